-- name: semantic_context
-- about: concepts mentioned in one asset at one moment, each with the concepts it is related to or contradicts
-- parameters: $1 asset_id uuid, $2 at_seconds float8, $3 tenant_id uuid
-- columns: id text, label text, domain text, connections jsonb
-- writes: nothing
-- uses_index: idx_mentions_tenant, idx_concept_tenant, idx_related_to_tenant, idx_contradicts_tenant
-- Asset and times are properties of the MENTIONS edge. connections is an array of
-- {related_id, related_label, relation, strength}, empty where there is none; as Cypher it would differ between versions.
WITH mentioned AS (
    SELECT DISTINCT m.end_id AS id
    FROM edusphere_graph."MENTIONS" m
    WHERE m.properties ->> 'tenant_id'::text = $3::text
      AND m.properties ->> 'asset_id'::text = $1::text
      AND (m.properties ->> 'start_time'::text)::float8 <= $2
      AND (m.properties ->> 'end_time'::text)::float8 >= $2
), connection AS NOT MATERIALIZED (
    SELECT start_id, end_id, 'RELATED_TO' AS relation, properties FROM edusphere_graph."RELATED_TO"
    UNION ALL
    SELECT start_id, end_id, 'CONTRADICTS', properties FROM edusphere_graph."CONTRADICTS"
)
SELECT c.properties ->> 'id'::text AS id,
       c.properties ->> 'label'::text AS label,
       c.properties ->> 'domain'::text AS domain,
       (
           SELECT COALESCE(jsonb_agg(jsonb_build_object(
                      'related_id', n.properties ->> 'id'::text,
                      'related_label', n.properties ->> 'label'::text,
                      'relation', k.relation,
                      'strength', agtype_out(k.properties -> 'strength'::text)::text::jsonb)
                      ORDER BY k.relation, n.properties ->> 'id'::text), '[]')
           FROM connection k
           JOIN edusphere_graph."Concept" n ON n.id = k.end_id AND n.properties ->> 'tenant_id'::text = $3::text
           WHERE k.start_id = c.id AND k.properties ->> 'tenant_id'::text = $3::text
       ) AS connections
FROM mentioned m
JOIN edusphere_graph."Concept" c ON c.id = m.id AND c.properties ->> 'tenant_id'::text = $3::text
ORDER BY 2, 1
