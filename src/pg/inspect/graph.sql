-- One row: an AGE graph; a label that ag_label registers. Order: none. Privileges: USAGE on
-- ag_catalog, SELECT on ag_graph and ag_label. Lowest server version: 16 with AGE 1.5.
-- What AGE makes beside a label (its cache trigger, its place in ag_catalog) is AGE's. A graph whose
-- number is not its schema's was restored from a dump and not mended.
SELECT 'graph' AS kind, NULL::text AS schema, NULL::text AS relation, g.name::text AS name, '' AS suffix,
       json_strip_nulls(json_build_object(
           'schema', g.namespace::text,
           'other_number', NULLIF(g.graphid <> g.namespace::oid, false)))::text AS facets
FROM ag_catalog.ag_graph g
UNION ALL
SELECT 'label', COALESCE(n.nspname::text, g.name::text), COALESCE(c.relname::text, l.name::text), l.name::text, '',
       json_strip_nulls(json_build_object(
           'kind', CASE l.kind::text WHEN 'v' THEN 'vertex' ELSE 'edge' END,
           'number', l.id::int,
           'sequence', l.seq_name,
           'other_name', CASE WHEN c.relname::text <> l.name::text THEN c.relname::text END,
           'no_table', CASE WHEN c.oid IS NULL THEN true END))::text
FROM ag_catalog.ag_label l
JOIN ag_catalog.ag_graph g ON g.graphid = l.graph
LEFT JOIN pg_class c ON c.oid = l.relation::oid
LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
