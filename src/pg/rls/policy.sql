-- One row: a policy as JSON; its trees by md5, see tree.sql. Order: by table and name. $1: the roles concerned.
-- Not here: those of temporary tables, which are one session's own. Privileges: none beyond CONNECT. Lowest server version: 16.
-- Writing an expression as SQL is what takes long: once for all tables with these columns, except where the text
-- has the table's own name in it (in a sub-select, or for a whole row).
WITH named AS MATERIALIZED (
    SELECT a.attrelid, pg_catalog.md5(pg_catalog.string_agg(a.attname, ',' ORDER BY a.attnum)) AS names
    FROM pg_catalog.pg_attribute a WHERE a.attnum > 0 AND a.attrelid IN (SELECT polrelid FROM pg_catalog.pg_policy)
    GROUP BY a.attrelid
), side AS MATERIALIZED (
    SELECT s.oid, s.polrelid, s.old, s.md5, CASE WHEN s.names_itself THEN s.polrelid::text ELSE n.names END AS known_by
    FROM (SELECT t.oid, t.polrelid, t.old, pg_catalog.md5(t.tree) AS md5,
                 t.tree LIKE '%{SUBLINK%' OR t.tree LIKE '%:varattno 0 %' AS names_itself
          FROM (SELECT oid, polrelid, true AS old, polqual::text AS tree FROM pg_catalog.pg_policy WHERE polqual IS NOT NULL
                UNION ALL
                SELECT oid, polrelid, false, polwithcheck::text FROM pg_catalog.pg_policy WHERE polwithcheck IS NOT NULL OFFSET 0) t
          -- A tree is long: what is known of it is computed before anything is joined or sorted.
          OFFSET 0) s
    JOIN named n ON n.attrelid = s.polrelid
), written AS MATERIALIZED (
    SELECT s.md5, s.known_by, pg_catalog.pg_get_expr(CASE WHEN s.old THEN p.polqual ELSE p.polwithcheck END, p.polrelid) AS text
    FROM (SELECT DISTINCT ON (md5, known_by) * FROM side ORDER BY md5, known_by) s JOIN pg_catalog.pg_policy p ON p.oid = s.oid
), bound AS MATERIALIZED (
    SELECT r.oid, r.role, s.rolname FROM (SELECT DISTINCT p.polroles AS oid, r AS role FROM pg_catalog.pg_policy p, unnest(p.polroles) r) r
    JOIN pg_catalog.pg_roles s ON s.rolname = ANY ($1)
         AND (r.role = 0 OR pg_catalog.pg_has_role(s.oid, NULLIF(r.role, 0), 'USAGE'))
), sets AS MATERIALIZED (
    SELECT p.polroles,
           ARRAY(SELECT CASE r WHEN 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(r) END FROM unnest(p.polroles) r ORDER BY 1) AS roles,
           ARRAY(SELECT DISTINCT b.rolname FROM bound b WHERE b.oid = p.polroles ORDER BY 1) AS binds
    FROM (SELECT DISTINCT polroles FROM pg_catalog.pg_policy) p
)
SELECT pg_catalog.to_jsonb(x) FROM (
SELECT p.oid::int8 AS oid, p.polrelid::int8 AS "table", p.polname AS name, p.polcmd::text AS command, p.polpermissive AS permissive,
       s.roles, s.binds, u.md5 AS using_tree, w.md5 AS check_tree, ut.text AS using_text, wt.text AS check_text
FROM pg_catalog.pg_policy p
JOIN pg_catalog.pg_class c ON c.oid = p.polrelid AND c.relpersistence <> 't'
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN sets s ON s.polroles = p.polroles
LEFT JOIN side u ON u.oid = p.oid AND u.old
LEFT JOIN written ut ON ut.md5 = u.md5 AND ut.known_by = u.known_by
LEFT JOIN side w ON w.oid = p.oid AND NOT w.old
LEFT JOIN written wt ON wt.md5 = w.md5 AND wt.known_by = w.known_by
ORDER BY n.nspname, c.relname, p.polname) x
