-- One row: a schema, or the database itself (no name), as JSON, with the roles of $1 that may use it and create in it.
-- Order: by name. Privileges: none beyond CONNECT. Lowest server version: 16.
SELECT pg_catalog.to_jsonb(x) FROM (
SELECT n.nspname AS name,
       ARRAY(SELECT s.rolname FROM pg_catalog.pg_roles s WHERE s.rolname = ANY ($1)
             AND pg_catalog.has_schema_privilege(s.oid, n.oid, 'USAGE') ORDER BY 1) AS used_by,
       ARRAY(SELECT s.rolname FROM pg_catalog.pg_roles s WHERE s.rolname = ANY ($1)
             AND pg_catalog.has_schema_privilege(s.oid, n.oid, 'CREATE') ORDER BY 1) AS created_by
FROM pg_catalog.pg_namespace n WHERE n.nspname !~ '^pg_'
UNION ALL
SELECT NULL, '{}', ARRAY(SELECT s.rolname FROM pg_catalog.pg_roles s WHERE s.rolname = ANY ($1)
             AND pg_catalog.has_database_privilege(s.oid, pg_catalog.current_database(), 'CREATE') ORDER BY 1)
ORDER BY 1) x
