-- One row: a role of $1 and one that it is or can become, as JSON. Order: by both. Privileges: none beyond CONNECT.
-- Lowest server version: 16.
SELECT pg_catalog.to_jsonb(x) FROM (
SELECT s.rolname AS role, t.rolname AS reaches, pg_catalog.pg_has_role(s.oid, t.oid, 'USAGE') AS inherits,
       pg_catalog.pg_has_role(s.oid, t.oid, 'SET') AS sets, t.rolsuper AS superuser, t.rolbypassrls AS bypasses,
       pg_catalog.pg_has_role(s.oid, t.oid, 'MEMBER WITH ADMIN OPTION') AND NOT s.rolsuper AND s.oid <> t.oid AS administers,
       t.rolcreaterole AS creates_roles, t.rolreplication AS replicates, t.rolcanlogin AS logs_in
FROM pg_catalog.pg_roles s JOIN pg_catalog.pg_roles t
     ON t.oid = s.oid OR (pg_catalog.pg_has_role(s.oid, t.oid, 'MEMBER') AND NOT s.rolsuper)
WHERE s.rolname = ANY ($1) ORDER BY s.rolname, t.rolname) x
