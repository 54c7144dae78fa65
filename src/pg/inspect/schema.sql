-- One row: a schema; an extension; default privileges; privileges on an extension's member that
-- differ from those the extension gave. Order: none. Privileges: none. Lowest server version: 16.
SELECT 'schema' AS kind, NULL::text AS schema, NULL::text AS relation, n.nspname::text AS name, '' AS suffix,
       json_strip_nulls(json_build_object(
           'owner', {owner n.nspowner},
           'grants', {grants n.nspacl 'n' n.nspowner},
           -- initdb's own comment on public says nothing.
           'comment', CASE WHEN n.oid >= 16384 THEN obj_description(n.oid, 'pg_namespace') END))::text AS facets
FROM pg_namespace n
WHERE (n.oid >= 16384 OR n.nspname = 'public') AND n.nspname !~ '^pg_' AND n.nspname <> 'edu'
  AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_namespace'::regclass AND x.objid = n.oid
                  AND x.refclassid = 'pg_extension'::regclass AND x.deptype = 'e' AND n.nspname <> 'ag_catalog')
UNION ALL
SELECT 'extension', NULL, NULL, e.extname, '',
       json_build_object('version', e.extversion, 'schema', n.nspname)::text
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.oid >= 16384
UNION ALL
SELECT 'default privileges', NULL, NULL, pg_get_userbyid(d.defaclrole),
       COALESCE(' in ' || quote_ident(n.nspname), '') || ' on ' || CASE d.defaclobjtype
           WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types'
           WHEN 'n' THEN 'schemas' WHEN 'L' THEN 'large objects' ELSE d.defaclobjtype::text END,
       json_strip_nulls(json_build_object('grants',
           (SELECT json_agg(x.item ORDER BY x.item) FROM (
               SELECT a.privilege_type || ' to ' || CASE a.grantee WHEN 0 THEN 'PUBLIC'
                      ELSE quote_ident(pg_get_userbyid(a.grantee)) END
                      || CASE WHEN a.is_grantable THEN ' with grant option' ELSE '' END AS item
               FROM aclexplode(d.defaclacl) a WHERE a.grantee <> d.defaclrole) x)))::text
FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
UNION ALL
-- By name and without arguments: the same function takes other types in another AGE version.
SELECT 'extension privileges', n.nspname, NULL, p.proname, '',
       json_strip_nulls(json_build_object('member', 'function', 'grants', json_agg(DISTINCT g.item ORDER BY g.item) FILTER (WHERE g.item IS NOT NULL)))::text
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN pg_depend x ON x.classid = 'pg_proc'::regclass AND x.objid = p.oid AND x.refclassid = 'pg_extension'::regclass AND x.deptype = 'e'
LEFT JOIN pg_init_privs i ON i.classoid = 'pg_proc'::regclass AND i.objoid = p.oid AND i.objsubid = 0
LEFT JOIN LATERAL json_array_elements_text({grants p.proacl 'f' p.proowner}) AS g (item) ON true
WHERE p.proacl IS NOT NULL AND p.proacl IS DISTINCT FROM i.initprivs AND p.oid >= 16384
GROUP BY n.nspname, p.proname
-- EXECUTE for PUBLIC and nothing else is what the server gives by itself.
HAVING count(*) FILTER (WHERE g.item IS DISTINCT FROM 'EXECUTE to PUBLIC') > 0
UNION ALL
SELECT 'extension privileges', n.nspname, NULL, c.relname, '',
       json_strip_nulls(json_build_object('member', 'table', 'grants', {grants c.relacl 'r' c.relowner}))::text
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_depend x ON x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.refclassid = 'pg_extension'::regclass AND x.deptype = 'e'
LEFT JOIN pg_init_privs i ON i.classoid = 'pg_class'::regclass AND i.objoid = c.oid AND i.objsubid = 0
WHERE c.relacl IS NOT NULL AND c.relacl IS DISTINCT FROM i.initprivs AND c.relkind IN ('r', 'v') AND c.oid >= 16384
