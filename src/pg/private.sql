-- A project's ALTER DEFAULT PRIVILEGES may have given rights on all this away: only the owner keeps any.
DO $do$
DECLARE
    r record;
BEGIN
    FOR r IN
        SELECT 'SCHEMA edu' AS thing, nspacl AS acl, nspowner AS owner, 'n' AS kind
        FROM pg_catalog.pg_namespace WHERE nspname = 'edu'
        UNION ALL
        SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || oid::pg_catalog.regclass::text,
               relacl, relowner, relkind::text
        FROM pg_catalog.pg_class WHERE relnamespace = 'edu'::pg_catalog.regnamespace AND relkind IN ('r', 'S')
        UNION ALL
        SELECT 'FUNCTION ' || oid::pg_catalog.regprocedure::text,
               COALESCE(proacl, pg_catalog.acldefault('f', proowner)), proowner, 'f'
        FROM pg_catalog.pg_proc WHERE pronamespace = 'edu'::pg_catalog.regnamespace
    LOOP
        EXECUTE (
            SELECT COALESCE(pg_catalog.string_agg(DISTINCT pg_catalog.format('REVOKE ALL ON %s FROM %s', r.thing,
                       CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::pg_catalog.regrole::text END), '; '),
                   'SELECT')
            FROM pg_catalog.aclexplode(r.acl) a WHERE a.grantee <> r.owner);
    END LOOP;
END
$do$
