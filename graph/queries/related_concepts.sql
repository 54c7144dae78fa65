-- name: related_concepts
-- about: concepts within three steps of one concept, in any direction, over RELATED_TO, CONTRADICTS and PREREQUISITE_OF;
--   one row per concept with the last step of a shortest way to it; strongest first, then by label; at most 50
-- parameters: $1 concept_id uuid, $2 tenant_id uuid
-- columns: id text, label text, relation_type text, strength text
-- writes: nothing
-- uses_index: idx_concept_tenant, idx_related_to_tenant, idx_contradicts_tenant, idx_prerequisite_of_tenant
-- Plain SQL over the label tables, because Cypher has no choice of labels on a path here and because row-level security
-- does not hold on Cypher's variable-length paths. The text is as well the body of a LANGUAGE sql function.
-- Only RELATED_TO has a numeric strength: the words of PREREQUISITE_OF and the absent one of CONTRADICTS sort last.
WITH RECURSIVE start AS (
    SELECT c.id
    FROM edusphere_graph."Concept" c
    WHERE agtype_access_operator(VARIADIC ARRAY[c.properties, '"id"'::agtype]) = agtype_build_list($1::text) -> 0
      AND c.properties ->> 'tenant_id'::text = $2::text
), edge AS NOT MATERIALIZED (
    SELECT start_id AS a, end_id AS b, 'RELATED_TO' AS relation_type, properties FROM edusphere_graph."RELATED_TO"
    UNION ALL
    SELECT end_id, start_id, 'RELATED_TO', properties FROM edusphere_graph."RELATED_TO"
    UNION ALL
    SELECT start_id, end_id, 'CONTRADICTS', properties FROM edusphere_graph."CONTRADICTS"
    UNION ALL
    SELECT end_id, start_id, 'CONTRADICTS', properties FROM edusphere_graph."CONTRADICTS"
    UNION ALL
    SELECT start_id, end_id, 'PREREQUISITE_OF', properties FROM edusphere_graph."PREREQUISITE_OF"
    UNION ALL
    SELECT end_id, start_id, 'PREREQUISITE_OF', properties FROM edusphere_graph."PREREQUISITE_OF"
), reached (id, depth) AS (
    SELECT id, 0 FROM start
    UNION
    SELECT n.id, r.depth + 1
    FROM reached r
    JOIN edge e ON e.a = r.id AND e.properties ->> 'tenant_id'::text = $2::text
    JOIN edusphere_graph."Concept" n ON n.id = e.b AND n.properties ->> 'tenant_id'::text = $2::text
    WHERE r.depth < 3
), nearest AS (
    SELECT id, min(depth) AS depth FROM reached GROUP BY id
), last_step AS (
    SELECT n.id, e.relation_type, e.properties ->> 'strength'::text AS strength,
           CASE WHEN e.relation_type = 'RELATED_TO' THEN (e.properties ->> 'strength'::text)::float8 END AS weight
    FROM nearest n
    JOIN nearest p ON p.depth = n.depth - 1
    JOIN edge e ON e.a = p.id AND e.b = n.id AND e.properties ->> 'tenant_id'::text = $2::text
), strongest AS (
    SELECT DISTINCT ON (id) id, relation_type, strength, weight
    FROM last_step
    ORDER BY id, weight DESC NULLS LAST, relation_type
)
SELECT c.properties ->> 'id'::text AS id,
       c.properties ->> 'label'::text AS label,
       s.relation_type,
       s.strength
FROM strongest s
JOIN edusphere_graph."Concept" c ON c.id = s.id AND c.properties ->> 'tenant_id'::text = $2::text
ORDER BY s.weight DESC NULLS LAST, 2, 1
LIMIT 50
