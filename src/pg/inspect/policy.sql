-- One row: a row-level security policy. Order: none. Privileges: none. Lowest server version: 16.
SELECT 'policy' AS kind, n.nspname::text AS schema, c.relname::text AS relation, p.polname::text AS name, '' AS suffix,
       json_strip_nulls(json_build_object(
           'command', CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                      WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
           'restrictive', NULLIF(NOT p.polpermissive, false),
           'roles', (SELECT json_agg(r.name ORDER BY r.name) FROM (
                SELECT CASE o WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(o)) END AS name
                FROM unnest(p.polroles) AS o) r),
           'using', pg_get_expr(p.polqual, p.polrelid),
           'check', pg_get_expr(p.polwithcheck, p.polrelid),
           'comment', d.description))::text AS facets
FROM pg_policy p
JOIN pg_class c ON c.oid = p.polrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_policy'::regclass AND d.objoid = p.oid
WHERE c.oid >= 16384 AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'edu')
  AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')
