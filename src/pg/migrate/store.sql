-- edu's own schema: who ran what and when, and how far a migration without a transaction
-- or the load of a file into a graph has come.
-- Run by the owner under the lock, in one transaction, as often as wanted. Layout 2.
-- Privileges: CREATE on the database the first time. Lowest server version: 16.
SET LOCAL search_path = '';
CREATE SCHEMA IF NOT EXISTS edu;
-- One row: whose database this is.
CREATE TABLE IF NOT EXISTS edu.meta (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    layout int4 NOT NULL,
    project text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
-- One row per run that applied or tried something. Closed once; never changed after.
CREATE TABLE IF NOT EXISTS edu.run (
    id uuid PRIMARY KEY,
    started_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    ended_at timestamptz,
    outcome text,
    command text NOT NULL,
    who text NOT NULL,
    login text NOT NULL DEFAULT session_user,
    host text NOT NULL,
    application text NOT NULL,
    revision text,
    dirty boolean,
    plan_hash text NOT NULL,
    lock_wait_ms int8 NOT NULL
);
-- One row per migration that ended, well or not.
CREATE TABLE IF NOT EXISTS edu.run_step (
    id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run uuid NOT NULL,
    version int8 NOT NULL,
    name text NOT NULL,
    ended_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    took_ms int8 NOT NULL,
    lock_wait_ms int8 NOT NULL,
    attempts int4 NOT NULL,
    outcome text NOT NULL,
    sqlstate text,
    message text
);
CREATE INDEX IF NOT EXISTS run_step_version ON edu.run_step (version);
-- One row per statement of a migration without a transaction that is not recorded as applied yet.
-- done_at is empty while the statement runs, or when nobody knows how it ended.
CREATE TABLE IF NOT EXISTS edu.journal (
    version int8 NOT NULL,
    k int4 NOT NULL,
    n int4 NOT NULL,
    checksum text NOT NULL,
    statement text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    done_at timestamptz,
    PRIMARY KEY (version, k)
);
-- One row per applied migration: a checksum that comments, spaces and line ends do not change.
CREATE TABLE IF NOT EXISTS edu.migration (
    version int8 PRIMARY KEY,
    fingerprint text NOT NULL
);
-- One row per batch that is in, of a load into a graph that has not ended. Cleared with its end.
CREATE TABLE IF NOT EXISTS edu.graph_load (
    graph text NOT NULL,
    source text NOT NULL,
    first_line int8 NOT NULL,
    lines int8 NOT NULL,
    items int8 NOT NULL,
    digest text NOT NULL,
    done_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (graph, source, first_line)
);
CREATE OR REPLACE FUNCTION edu.refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $f$
BEGIN
    IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'run' AND OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL
       AND pg_catalog.to_jsonb(OLD) - '{ended_at,outcome}'::text[]
           OPERATOR(pg_catalog.=) pg_catalog.to_jsonb(NEW) - '{ended_at,outcome}'::text[] THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'edu.% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$f$;
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON edu.run
    FOR EACH ROW EXECUTE FUNCTION edu.refuse_change();
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON edu.run_step
    FOR EACH ROW EXECUTE FUNCTION edu.refuse_change();
CREATE OR REPLACE TRIGGER append_only_whole BEFORE TRUNCATE ON edu.run
    FOR EACH STATEMENT EXECUTE FUNCTION edu.refuse_change();
CREATE OR REPLACE TRIGGER append_only_whole BEFORE TRUNCATE ON edu.run_step
    FOR EACH STATEMENT EXECUTE FUNCTION edu.refuse_change();
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
