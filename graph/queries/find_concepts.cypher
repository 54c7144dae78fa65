// name: find_concepts
// about: concepts of the tenant whose label contains the text
// parameters: tenant_id uuid, search string
// columns: id agtype, label agtype
// writes: nothing
// uses_index: idx_concept_tenant
MATCH (c:Concept {tenant_id: $tenant_id})
WHERE c.label CONTAINS $search
RETURN c.id, c.label
LIMIT 10
