-- name: add_edge
-- about: creates one edge between two vertices of the tenant; the tenant is written into its properties
-- constants: from_label vertex_label Concept, to_label vertex_label Concept, edge_label edge_label RELATED_TO
-- parameters: $1 from_id uuid, $2 to_id uuid, $3 properties agtype, $4 tenant_id uuid
-- columns: id text
-- writes: {edge_label}
-- uses_index: idx_concept_tenant
-- The three labels are replaced by labels of the ontology, after they have been looked up there.
-- No row back means that one of the two vertices does not exist in this tenant: the caller treats it as an error.
INSERT INTO edusphere_graph."{edge_label}" (start_id, end_id, properties)
SELECT a.id, b.id, $3 || agtype_build_map('tenant_id', $4::text)
FROM edusphere_graph."{from_label}" a
CROSS JOIN edusphere_graph."{to_label}" b
WHERE agtype_access_operator(VARIADIC ARRAY[a.properties, '"id"'::agtype]) = agtype_build_list($1::text) -> 0
  AND a.properties ->> 'tenant_id'::text = $4::text
  AND agtype_access_operator(VARIADIC ARRAY[b.properties, '"id"'::agtype]) = agtype_build_list($2::text) -> 0
  AND b.properties ->> 'tenant_id'::text = $4::text
RETURNING id::text AS id
