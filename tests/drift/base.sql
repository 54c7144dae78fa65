-- What the drift corpus changes: one of everything, beside the project's own tables.
-- Run by a superuser in a database that has the project's migrations.
CREATE ROLE zoo_owner NOLOGIN;
CREATE ROLE zoo_reader NOLOGIN;
CREATE ROLE zoo_login LOGIN NOINHERIT;
GRANT zoo_reader TO zoo_login WITH INHERIT FALSE, SET TRUE;
ALTER ROLE zoo_reader SET statement_timeout = '5s';
DO $$ BEGIN
    EXECUTE format('GRANT CREATE ON DATABASE %I TO zoo_owner', current_database());
    EXECUTE format('ALTER DATABASE %I SET lock_timeout = %L', current_database(), '7s');
    EXECUTE format('ALTER ROLE zoo_reader IN DATABASE %I SET work_mem = %L', current_database(), '8MB');
END $$;
CREATE SCHEMA zoo AUTHORIZATION zoo_owner;
GRANT USAGE ON SCHEMA zoo TO zoo_reader;
COMMENT ON SCHEMA zoo IS 'animals';
CREATE FOREIGN DATA WRAPPER nothing;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER nothing OPTIONS (host 'a');
CREATE USER MAPPING FOR zoo_reader SERVER elsewhere;
CREATE FOREIGN TABLE zoo.far (a int) SERVER elsewhere OPTIONS (file 'x');
ALTER FOREIGN TABLE zoo.far OWNER TO zoo_owner;
CREATE PUBLICATION news WITH (publish = 'insert, update');
CREATE SUBSCRIPTION papers CONNECTION 'host=nowhere dbname=x' PUBLICATION other WITH (connect = false, enabled = false, slot_name = NONE);
CREATE COLLATION zoo.plain (provider = libc, locale = 'C');
ALTER COLLATION zoo.plain OWNER TO zoo_owner;

SET ROLE zoo_owner;
ALTER DEFAULT PRIVILEGES FOR ROLE zoo_owner IN SCHEMA zoo GRANT SELECT ON TABLES TO zoo_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE zoo_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
CREATE TYPE zoo.mood AS ENUM ('sad', 'calm', 'glad');
CREATE DOMAIN zoo.email AS text DEFAULT 'a@b' CONSTRAINT email_at CHECK (VALUE LIKE '%@%');
CREATE TYPE zoo.place AS (x integer, y integer);
CREATE TYPE zoo.span AS RANGE (subtype = float8);
CREATE SEQUENCE zoo.ticket START 10 INCREMENT 5 CACHE 3;
CREATE FUNCTION zoo.plus(a integer, b integer) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS 'SELECT a + b';
CREATE FUNCTION zoo.secure() RETURNS integer LANGUAGE sql SECURITY DEFINER SET search_path = '' AS 'SELECT 1';
CREATE FUNCTION zoo.plain(n integer DEFAULT 3) RETURNS SETOF integer LANGUAGE sql STABLE ROWS 5 COST 20 BEGIN ATOMIC SELECT n; END;
CREATE FUNCTION zoo.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE FUNCTION zoo.is_even(n bigint) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT n % 2 = 0';
CREATE PROCEDURE zoo.tidy(INOUT n integer) LANGUAGE plpgsql AS $$ BEGIN n := 1; END $$;
CREATE AGGREGATE zoo.total(integer) (sfunc = zoo.plus, stype = integer, initcond = '0');
CREATE OPERATOR zoo.@+@ (leftarg = integer, rightarg = integer, function = zoo.plus);
CREATE CAST (zoo.place AS text) WITH INOUT;
GRANT EXECUTE ON FUNCTION zoo.secure() TO zoo_reader;

CREATE TABLE zoo.animal (
    id serial CONSTRAINT animal_pkey PRIMARY KEY,
    code integer GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL DEFAULT 'nobody',
    mood zoo.mood,
    email zoo.email,
    weight numeric(8, 2),
    twice integer GENERATED ALWAYS AS (id * 2) STORED,
    tenant uuid,
    stay tstzrange,
    nick varchar(20) COLLATE "C",
    CONSTRAINT animal_name_key UNIQUE (name),
    CONSTRAINT animal_weight_check CHECK (weight > 0),
    CONSTRAINT animal_stay_excl EXCLUDE USING gist (stay WITH &&)
) WITH (fillfactor = 80);
COMMENT ON TABLE zoo.animal IS 'one row is one animal';
COMMENT ON COLUMN zoo.animal.name IS 'its name';
GRANT UPDATE (mood) ON zoo.animal TO zoo_reader;
ALTER TABLE zoo.animal ALTER COLUMN name SET STATISTICS 50;
ALTER TABLE zoo.animal ALTER COLUMN name SET STORAGE external;
ALTER TABLE zoo.animal ALTER COLUMN weight SET (n_distinct = 7);
ALTER TABLE zoo.animal ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY animal_own ON zoo.animal FOR ALL TO zoo_reader USING (tenant IS NOT NULL) WITH CHECK (tenant IS NOT NULL);
CREATE POLICY animal_calm ON zoo.animal AS RESTRICTIVE FOR SELECT TO zoo_reader USING (mood <> 'sad');
CREATE TABLE zoo.visit (
    id bigint CONSTRAINT visit_pkey PRIMARY KEY,
    animal_id integer CONSTRAINT visit_animal_fk REFERENCES zoo.animal (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    at timestamptz NOT NULL DEFAULT now(),
    note text,
    tag integer
);
CREATE INDEX visit_at ON zoo.visit (at DESC NULLS LAST);
CREATE INDEX visit_note ON zoo.visit (lower(note)) INCLUDE (tag) WHERE note IS NOT NULL;
CREATE UNIQUE INDEX visit_tag ON zoo.visit (tag) NULLS NOT DISTINCT WITH (fillfactor = 70);
CREATE INDEX visit_brin ON zoo.visit USING brin (at) WITH (pages_per_range = 32);
CREATE STATISTICS zoo.visit_stat (dependencies) ON animal_id, tag FROM zoo.visit;
CREATE TRIGGER visit_touch BEFORE UPDATE OF note ON zoo.visit FOR EACH ROW WHEN (OLD.note IS DISTINCT FROM NEW.note) EXECUTE FUNCTION zoo.touch();
CREATE RULE visit_keep AS ON DELETE TO zoo.visit DO INSTEAD NOTHING;
CREATE TABLE zoo.log (day date NOT NULL, message text) PARTITION BY RANGE (day);
CREATE TABLE zoo.log_old PARTITION OF zoo.log FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE zoo.log_new PARTITION OF zoo.log FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
CREATE INDEX log_day ON zoo.log (day);
CREATE TABLE zoo.parent (a integer, CONSTRAINT parent_check CHECK (a > 0));
CREATE TABLE zoo.child (b integer) INHERITS (zoo.parent);
CREATE VIEW zoo.glad WITH (security_invoker = true) AS SELECT id, name FROM zoo.animal WHERE mood = 'glad';
CREATE VIEW zoo.named AS SELECT id, name FROM zoo.animal;
CREATE MATERIALIZED VIEW zoo.counts AS SELECT count(*) AS n FROM zoo.visit;
CREATE UNIQUE INDEX counts_n ON zoo.counts (n);
RESET ROLE;
INSERT INTO zoo.animal (name) VALUES ('ant'), ('bee');
INSERT INTO zoo.visit (id, animal_id, tag) SELECT n, NULL, n FROM generate_series(1, 20) n;
CREATE FUNCTION zoo.watch() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
CREATE EVENT TRIGGER watcher ON ddl_command_end WHEN TAG IN ('CREATE CAST') EXECUTE FUNCTION zoo.watch();
ALTER PUBLICATION news ADD TABLE zoo.visit (id, at);
