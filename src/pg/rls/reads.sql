-- One row: a view or materialized view and a relation that it reads, as JSON. Order: none that matters.
-- Privileges: none beyond CONNECT. Lowest server version: 16.
SELECT DISTINCT pg_catalog.jsonb_build_object('reader', r.ev_class::int8, 'read', d.refobjid::int8)
FROM pg_catalog.pg_rewrite r
JOIN pg_catalog.pg_class c ON c.oid = r.ev_class AND c.relkind IN ('v', 'm')
JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid
     AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid <> r.ev_class
WHERE c.relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
