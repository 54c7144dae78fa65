-- One row: a distinct node tree of a policy as JSON. Order: by md5. Privileges: none beyond CONNECT. Lowest server version: 16.
SELECT DISTINCT ON (t.md5) pg_catalog.jsonb_build_object('md5', t.md5, 'tree', t.tree) FROM (
SELECT pg_catalog.md5(polqual::text) AS md5, polqual::text AS tree FROM pg_catalog.pg_policy WHERE polqual IS NOT NULL
UNION ALL
SELECT pg_catalog.md5(polwithcheck::text), polwithcheck::text FROM pg_catalog.pg_policy WHERE polwithcheck IS NOT NULL) t
ORDER BY t.md5
