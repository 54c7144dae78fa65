-- name: prerequisite_chain
-- about: every chain of one to five prerequisites that leads to one concept, shortest first
-- parameters: $1 concept_id uuid, $2 tenant_id uuid
-- columns: chain jsonb, depth integer
-- writes: nothing
-- uses_index: idx_concept_tenant, idx_prerequisite_of_tenant
-- chain lists the property maps of the concepts, the asked one first. No concept appears twice in a chain, so a circle
-- ends. Plain SQL, because row-level security does not hold on Cypher's variable-length paths.
WITH RECURSIVE path AS (
    SELECT c.id, ARRAY[c.id] AS seen, jsonb_build_array(agtype_out(c.properties)::text::jsonb) AS chain, 0 AS depth
    FROM edusphere_graph."Concept" c
    WHERE agtype_access_operator(VARIADIC ARRAY[c.properties, '"id"'::agtype]) = agtype_build_list($1::text) -> 0
      AND c.properties ->> 'tenant_id'::text = $2::text
    UNION ALL
    SELECT n.id, p.seen || n.id, p.chain || jsonb_build_array(agtype_out(n.properties)::text::jsonb), p.depth + 1
    FROM path p
    JOIN edusphere_graph."PREREQUISITE_OF" e ON e.end_id = p.id AND e.properties ->> 'tenant_id'::text = $2::text
    JOIN edusphere_graph."Concept" n ON n.id = e.start_id AND n.properties ->> 'tenant_id'::text = $2::text
    WHERE p.depth < 5 AND NOT n.id = ANY (p.seen)
)
SELECT chain, depth
FROM path
WHERE depth > 0
ORDER BY depth, chain
