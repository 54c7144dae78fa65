-- One row: a graph's label as JSON. Order: by graph and name. Privileges: SELECT on ag_catalog, which must exist.
-- Lowest server version: 16.
SELECT pg_catalog.jsonb_build_object('graph', g.name, 'label', l.name, 'kind', l.kind, 'table', l.relation::oid::int8)
FROM ag_catalog.ag_label l JOIN ag_catalog.ag_graph g ON g.graphid = l.graph ORDER BY g.name, l.name
