-- One row: a row-level security policy. Order: none. Privileges: none. Lowest server version: 16.
-- To word an expression over a table the server opens the table, with all its policies. Thousands of policies
-- say the same of columns of the same names: each such group is worded once. An expression that names more
-- than single columns (a query, a whole row) is worded for its own table.
WITH columns AS (
    SELECT d.objid, string_agg(a.attname::text, ',' ORDER BY a.attnum) AS names
    FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
    WHERE d.classid = 'pg_policy'::regclass AND d.refclassid = 'pg_class'::regclass
      AND a.attrelid >= 16384 AND a.attnum > 0
    GROUP BY d.objid
), tree AS (
    SELECT p.oid, p.polrelid, concat(p.polqual::text, ';', p.polwithcheck::text) AS tree FROM pg_policy p OFFSET 0
), worded AS MATERIALIZED (
    SELECT g.all, pg_get_expr(r.polqual, r.polrelid) AS using, pg_get_expr(r.polwithcheck, r.polrelid) AS check
    FROM (SELECT min(t.oid) AS one, array_agg(t.oid) AS all
          FROM tree t LEFT JOIN columns ON columns.objid = t.oid
          GROUP BY t.tree, CASE WHEN strpos(t.tree, 'SUBLINK') > 0 OR strpos(t.tree, ':varattno 0 ') > 0
                                THEN t.polrelid::text || ':' ELSE columns.names END) g
    JOIN pg_policy r ON r.oid = g.one
)
SELECT 'policy' AS kind, n.nspname::text AS schema, c.relname::text AS relation, p.polname::text AS name, '' AS suffix,
       CASE WHEN d.description IS NOT NULL THEN json_build_object('comment', d.description)::text END AS facets,
       CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                     WHEN 'd' THEN 'DELETE' ELSE 'ALL' END AS command,
       NOT p.polpermissive AS restrictive,
       r.names AS roles,
       w.using, w.check
FROM worded w
CROSS JOIN LATERAL unnest(w.all) AS m (oid)
JOIN pg_policy p ON p.oid = m.oid
JOIN pg_class c ON c.oid = p.polrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
-- Thousands of policies name the same roles: each set is worded once.
JOIN (SELECT s.polroles, json_agg(CASE o WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(o)) END
             ORDER BY CASE o WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(o)) END) AS names
      FROM (SELECT DISTINCT polroles FROM pg_policy) s CROSS JOIN LATERAL unnest(s.polroles) AS o
      GROUP BY s.polroles) r ON r.polroles = p.polroles
LEFT JOIN pg_description d ON d.classoid = 'pg_policy'::regclass AND d.objoid = p.oid
WHERE c.oid >= 16384 AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'edu')
  AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid
                  AND x.refclassid = 'pg_extension'::regclass AND x.deptype = 'e')
