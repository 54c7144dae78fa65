// name: contradictions
// about: concepts that contradict one concept, whichever of the two the edge starts from
// parameters: concept_id uuid, tenant_id uuid
// columns: id agtype, label agtype, evidence agtype, severity agtype, detected_by agtype
// writes: nothing
// uses_index: idx_concept_tenant, idx_contradicts_tenant
// Two directed halves: one undirected pattern makes the planner read every edge of the label.
MATCH (a:Concept {id: $concept_id, tenant_id: $tenant_id})
      -[r:CONTRADICTS {tenant_id: $tenant_id}]->
      (b:Concept {tenant_id: $tenant_id})
RETURN b.id, b.label, r.evidence, r.severity, r.detected_by
UNION ALL
MATCH (a:Concept {id: $concept_id, tenant_id: $tenant_id})
      <-[r:CONTRADICTS {tenant_id: $tenant_id}]-
      (b:Concept {tenant_id: $tenant_id})
RETURN b.id, b.label, r.evidence, r.severity, r.detected_by
