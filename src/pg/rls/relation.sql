-- One row: a relation outside the system schemas as JSON, with what the roles $1 may do on it.
-- Order: by schema and name. Privileges: none beyond CONNECT. Lowest server version: 16.
-- System schemas are left out: most of PostgreSQL's own catalogs are no tenant's data. Toast tables and composite types hold none.
SELECT pg_catalog.to_jsonb(x) FROM (
SELECT c.oid::int8 AS oid, n.nspname AS schema, c.relname AS name, c.relkind::text AS kind,
       o.rolname AS owner, o.rolsuper OR o.rolbypassrls AS owner_bypasses,
       c.relrowsecurity AS secured, c.relforcerowsecurity AS forced, c.relispartition AS partition,
       NULLIF(c.relacl, pg_catalog.acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))::text AS acl, c.reltuples AS rows,
       EXISTS (SELECT FROM pg_catalog.pg_depend d
               WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e') AS extension,
       COALESCE((SELECT bool_or(v.option_value::bool) FROM pg_catalog.pg_options_to_table(c.reloptions) v
                 WHERE v.option_name = 'security_invoker'), false) AS invoker,
       COALESCE((SELECT bool_or(v.option_value::bool) FROM pg_catalog.pg_options_to_table(c.reloptions) v
                 WHERE v.option_name = 'security_barrier'), false) AS barrier,
       ARRAY(SELECT i.inhparent::int8 FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid ORDER BY 1) AS parents,
       CASE WHEN c.relkind IN ('v', 'm') THEN pg_catalog.md5(pg_catalog.pg_get_viewdef(c.oid)) END AS definition,
       CASE WHEN c.relkind = 'm' THEN pg_catalog.rtrim(pg_catalog.pg_get_viewdef(c.oid), ';') END AS query,
       COALESCE((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
              'number', a.attnum, 'name', a.attname, 'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
              'type_oid', a.atttypid::int8, 'not_null', a.attnotnull, 'automatic', a.attidentity <> '' OR a.atthasdef,
              'acl', a.attacl::text,
              'writers', CASE WHEN a.attacl IS NOT NULL THEN ARRAY(
                  SELECT s.rolname FROM pg_catalog.pg_roles s WHERE s.rolname = ANY ($1)
                  AND pg_catalog.has_column_privilege(s.oid, c.oid, a.attnum, 'UPDATE') ORDER BY 1) ELSE '{}' END) ORDER BY a.attnum)
          FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          AND c.relkind <> 'S'), '[]') AS columns,
       COALESCE((SELECT pg_catalog.jsonb_object_agg(s.rolname, CASE WHEN c.relkind = 'S' THEN
              pg_catalog.concat(CASE WHEN pg_catalog.has_sequence_privilege(s.oid, c.oid, 'SELECT') THEN 'r' END,
              CASE WHEN pg_catalog.has_sequence_privilege(s.oid, c.oid, 'UPDATE') THEN 'w' END)
           ELSE pg_catalog.concat(
              CASE WHEN pg_catalog.has_any_column_privilege(s.oid, c.oid, 'SELECT') THEN 'r' END,
              CASE WHEN pg_catalog.has_any_column_privilege(s.oid, c.oid, 'INSERT') THEN 'a' END,
              CASE WHEN pg_catalog.has_any_column_privilege(s.oid, c.oid, 'UPDATE') THEN 'w' END,
              CASE WHEN pg_catalog.has_table_privilege(s.oid, c.oid, 'UPDATE') THEN 'W' END,
              CASE WHEN pg_catalog.has_table_privilege(s.oid, c.oid, 'DELETE') THEN 'd' END,
              CASE WHEN pg_catalog.has_table_privilege(s.oid, c.oid, 'TRUNCATE') THEN 'D' END,
              CASE WHEN pg_catalog.has_any_column_privilege(s.oid, c.oid, 'REFERENCES') THEN 'x' END,
              CASE WHEN pg_catalog.has_table_privilege(s.oid, c.oid, 'TRIGGER') THEN 't' END,
              CASE WHEN c.relacl::text ~ '[a-zA-Z]*m[a-zA-Z]*/' AND pg_catalog.current_setting('server_version_num')::int >= 170000
                        AND pg_catalog.has_table_privilege(s.oid, c.oid, 'MAINTAIN') THEN 'm' END) END)
          FROM pg_catalog.pg_roles s WHERE s.rolname = ANY ($1)), '{}') AS may
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_roles o ON o.oid = c.relowner
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND (n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   -- PostgreSQL's own that hold everybody's values, secrets or files, and that nobody is given.
   OR n.nspname = 'pg_catalog' AND c.relname IN ('pg_statistic', 'pg_statistic_ext_data', 'pg_authid', 'pg_shadow',
      'pg_largeobject', 'pg_user_mapping', 'pg_hba_file_rules', 'pg_ident_file_mappings', 'pg_file_settings'))
ORDER BY n.nspname, c.relname) x
