-- One row: a row-level security policy. Order: none. Privileges: none. Lowest server version: 16.
SELECT 'policy' AS kind, p.polrelid AS relation, p.oid AS number, p.polname::text AS name,
       CASE WHEN d.description IS NOT NULL THEN json_build_object('comment', d.description)::text END AS facets,
       CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                     WHEN 'd' THEN 'DELETE' ELSE 'ALL' END AS command,
       NOT p.polpermissive AS restrictive,
       r.names AS roles
FROM pg_policy p
-- Thousands of policies name the same roles: each set is worded once.
JOIN (SELECT s.polroles, json_agg(CASE o WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(o)) END
             ORDER BY CASE o WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(o)) END) AS names
      FROM (SELECT DISTINCT polroles FROM pg_policy) s CROSS JOIN LATERAL unnest(s.polroles) AS o
      GROUP BY s.polroles) r ON r.polroles = p.polroles
LEFT JOIN pg_description d ON d.classoid = 'pg_policy'::regclass AND d.objoid = p.oid;
-- One row: what policies ask of a row, with the numbers of all policies that ask the same.
SELECT 'policy tree' AS kind, string_agg(t.oid::text, ' ') AS numbers, t.tree
FROM (SELECT p.oid, concat(p.polqual::text, ';', p.polwithcheck::text) AS tree FROM pg_policy p OFFSET 0) t
GROUP BY t.tree
