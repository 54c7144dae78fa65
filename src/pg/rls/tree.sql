-- One row: a distinct node tree of a policy as JSON. Not here: those of temporary tables. Order: by md5. Privileges: none beyond CONNECT. Lowest server version: 16.
SELECT DISTINCT ON (t.md5) pg_catalog.jsonb_build_object('md5', t.md5, 'tree', t.tree) FROM (
SELECT pg_catalog.md5(s.tree) AS md5, s.tree FROM pg_catalog.pg_policy p
JOIN pg_catalog.pg_class c ON c.oid = p.polrelid AND c.relpersistence <> 't',
LATERAL (VALUES (p.polqual::text), (p.polwithcheck::text)) s (tree) WHERE s.tree IS NOT NULL) t
ORDER BY t.md5
