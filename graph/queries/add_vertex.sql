-- name: add_vertex
-- about: creates one vertex of any label from a whole property map
-- constants: label vertex_label Concept
-- parameters: $1 properties agtype, $2 tenant_id uuid
-- columns: id text
-- writes: {label}
-- uses_index: none
-- {label} is replaced by a vertex label of the ontology, after it has been looked up there; it cannot be a parameter.
-- Plain SQL, because Cypher takes no parameter for a whole map. No row back means that the map names another tenant.
INSERT INTO edusphere_graph."{label}" (properties)
SELECT $1
WHERE $1 ->> 'tenant_id'::text = $2::text
RETURNING properties ->> 'id'::text AS id
