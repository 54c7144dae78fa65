-- edu's own schema: who ran what and when. What is wanted more seldom is made when it is: journal.sql.
-- Run by the owner under the lock, in one transaction, as often as wanted. Layout 3.
-- Privileges: CREATE on the database the first time. Lowest server version: 16.
-- Texts are short, and PLAIN: no table for long ones stands beside each table, which halves the time this takes.
SET LOCAL search_path = '';
CREATE SCHEMA IF NOT EXISTS edu;
-- One row: whose database this is.
CREATE TABLE IF NOT EXISTS edu.meta (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    layout int4 NOT NULL,
    project text STORAGE PLAIN NOT NULL,
    made_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
-- One row per run that applied or tried something. Closed once; never changed after.
CREATE TABLE IF NOT EXISTS edu.run (
    id uuid PRIMARY KEY,
    started_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    ended_at timestamptz,
    outcome text STORAGE PLAIN,
    command text STORAGE PLAIN NOT NULL,
    who text STORAGE PLAIN NOT NULL,
    login text STORAGE PLAIN NOT NULL DEFAULT session_user,
    host text STORAGE PLAIN NOT NULL,
    application text STORAGE PLAIN NOT NULL,
    revision text STORAGE PLAIN,
    dirty boolean,
    plan_hash text STORAGE PLAIN NOT NULL,
    lock_wait_ms int8 NOT NULL
);
-- One row per migration that ended, well or not.
CREATE TABLE IF NOT EXISTS edu.run_step (
    id int8 GENERATED ALWAYS AS IDENTITY,
    run uuid NOT NULL,
    version int8 NOT NULL,
    name text STORAGE PLAIN NOT NULL,
    ended_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    took_ms int8 NOT NULL,
    lock_wait_ms int8 NOT NULL,
    attempts int4 NOT NULL,
    outcome text STORAGE PLAIN NOT NULL,
    sqlstate text STORAGE PLAIN,
    message text STORAGE PLAIN,
    PRIMARY KEY (version, id)
);
-- One row per applied migration: a checksum that comments, spaces and line ends do not change.
CREATE TABLE IF NOT EXISTS edu.migration (
    version int8 PRIMARY KEY,
    fingerprint text STORAGE PLAIN NOT NULL
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
CREATE OR REPLACE TRIGGER append_only_whole BEFORE TRUNCATE ON edu.run
    FOR EACH STATEMENT EXECUTE FUNCTION edu.refuse_change();
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON edu.run_step
    FOR EACH STATEMENT EXECUTE FUNCTION edu.refuse_change();
REVOKE ALL ON FUNCTION edu.refuse_change() FROM PUBLIC
