-- name: concept_neighbourhood
-- about: the graph half of a hybrid search: the concepts that search_concepts_semantic found, in that order, each with the
--   concepts one step away over RELATED_TO, CONTRADICTS and PREREQUISITE_OF in any direction; the strongest first
-- parameters: $1 concept_ids uuid[], $2 tenant_id uuid
-- columns: rank bigint, id text, label text, neighbours jsonb
-- writes: nothing
-- uses_index: idx_concept_tenant, idx_related_to_tenant, idx_contradicts_tenant, idx_prerequisite_of_tenant
-- neighbours is an array of {id, label, relation, strength where the edge has one}, empty where there is none. An id that the graph does not
-- have, or has for another tenant, gives no row: the ranks show that it is missing.
WITH hit AS MATERIALIZED (
    SELECT h.rank, c.id, c.properties
    FROM unnest($1) WITH ORDINALITY AS h (concept_id, rank)
    JOIN edusphere_graph."Concept" c
      ON agtype_access_operator(VARIADIC ARRAY[c.properties, '"id"'::agtype]) = agtype_build_list(h.concept_id::text) -> 0
     AND c.properties ->> 'tenant_id'::text = $2::text
), edge AS NOT MATERIALIZED (
    SELECT start_id AS a, end_id AS b, 'RELATED_TO' AS relation, properties FROM edusphere_graph."RELATED_TO"
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
), step AS (
    SELECT h.rank, n.properties ->> 'id'::text AS id, n.properties ->> 'label'::text AS label, e.relation,
           e.properties ->> 'strength'::text AS strength,
           CASE WHEN e.relation = 'RELATED_TO' THEN (e.properties ->> 'strength'::text)::float8 END AS weight
    FROM hit h
    JOIN edge e ON e.a = h.id AND e.properties ->> 'tenant_id'::text = $2::text
    JOIN edusphere_graph."Concept" n ON n.id = e.b AND n.properties ->> 'tenant_id'::text = $2::text
)
SELECT h.rank,
       h.properties ->> 'id'::text AS id,
       h.properties ->> 'label'::text AS label,
       (
           SELECT COALESCE(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('id', s.id, 'label', s.label,
                                                                          'relation', s.relation, 'strength', s.strength))
                      ORDER BY s.weight DESC NULLS LAST, s.relation, s.id), '[]')
           FROM step s
           WHERE s.rank = h.rank
       ) AS neighbours
FROM hit h
ORDER BY h.rank
