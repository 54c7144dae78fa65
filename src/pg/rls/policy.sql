-- One row: a policy as JSON; its trees by md5, see tree.sql. Order: by table and name. $1: the roles concerned.
-- Privileges: none beyond CONNECT. Lowest server version: 16.
SELECT pg_catalog.to_jsonb(x) FROM (
SELECT p.oid::int8 AS oid, p.polrelid::int8 AS "table", p.polname AS name, p.polcmd::text AS command, p.polpermissive AS permissive,
       ARRAY(SELECT CASE r WHEN 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(r) END FROM unnest(p.polroles) r ORDER BY 1) AS roles,
       ARRAY(SELECT s.rolname FROM pg_catalog.pg_roles s WHERE s.rolname = ANY ($1)
             AND (0 = ANY (p.polroles) OR EXISTS (SELECT FROM unnest(p.polroles) r
                  WHERE r <> 0 AND pg_catalog.pg_has_role(s.oid, r, 'USAGE'))) ORDER BY 1) AS binds,
       pg_catalog.md5(p.polqual::text) AS using_tree, pg_catalog.md5(p.polwithcheck::text) AS check_tree,
       pg_catalog.pg_get_expr(p.polqual, p.polrelid) AS using_text,
       pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) AS check_text
FROM pg_catalog.pg_policy p
JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
ORDER BY c.relnamespace::regnamespace::text, c.relname, p.polname) x
