// name: create_concept
// about: creates one Concept vertex; domain becomes '' where it is NULL or missing
// parameters: id uuid, tenant_id uuid, label string, aliases array, domain string?, confidence float, source_type string
// columns: v agtype
// writes: Concept
// uses_index: none
CREATE (c:Concept {
    id: $id,
    tenant_id: $tenant_id,
    label: $label,
    aliases: $aliases,
    domain: coalesce($domain, ''),
    confidence: $confidence,
    source_type: $source_type
})
RETURN c
