-- One row: a row-level security policy. Order: none. Privileges: none. Lowest server version: 16.
SELECT 'policy' AS kind, n.nspname::text AS schema, c.relname::text AS relation, p.polname::text AS name, '' AS suffix,
       CASE WHEN d.description IS NOT NULL THEN json_build_object('comment', d.description)::text END AS facets,
       CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                     WHEN 'd' THEN 'DELETE' ELSE 'ALL' END AS command,
       NOT p.polpermissive AS restrictive,
       r.names AS roles,
       pg_get_expr(p.polqual, p.polrelid) AS using,
       pg_get_expr(p.polwithcheck, p.polrelid) AS check
FROM pg_policy p
JOIN pg_class c ON c.oid = p.polrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
-- Thousands of policies name the same roles: each set is worded once.
JOIN (SELECT s.polroles, json_agg(CASE o WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(o)) END
             ORDER BY CASE o WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(o)) END) AS names
      FROM (SELECT DISTINCT polroles FROM pg_policy) s CROSS JOIN LATERAL unnest(s.polroles) AS o
      GROUP BY s.polroles) r ON r.polroles = p.polroles
LEFT JOIN pg_description d ON d.classoid = 'pg_policy'::regclass AND d.objoid = p.oid
WHERE c.oid >= 16384 AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'edu')
  AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')
