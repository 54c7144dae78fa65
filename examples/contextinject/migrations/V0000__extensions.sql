-- edu: role superuser
-- Intent: everything that needs a superuser, once per database and again whenever asked: extensions, roles, the database's
--   settings and privileges. Every step looks first, so a second run changes nothing. Run it with: edu db bootstrap
-- Locks: row locks in the shared catalogs (roles, database settings); nothing that holds rows.
-- Undo: none, on purpose. The roles belong to the whole server and may be in use by other databases; dropping the
--   database is the way back.

CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public;       -- embeddings
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;      -- trigrams for text search
CREATE EXTENSION IF NOT EXISTS "uuid-ossp" WITH SCHEMA public;  -- listed by the document; no column uses it

-- Roles are shared by all databases of the server, hence only created when missing. They have no password here: give them
-- one, or a certificate, where they are deployed.
DO $do$
BEGIN
    -- Migrations and administration, past the policies. The application cannot become it.
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'ci_admin') THEN
        CREATE ROLE ci_admin LOGIN BYPASSRLS;
    END IF;
    -- The application: bound by the policies.
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'ci_app') THEN
        CREATE ROLE ci_app LOGIN;
    END IF;
END
$do$;

-- iterative_scan: without it an approximate index stops after ef_search rows, before the policies are applied, and a
-- small tenant gets fewer neighbours than asked for, silently.
DO $do$
BEGIN
    EXECUTE pg_catalog.format('ALTER DATABASE %I SET hnsw.iterative_scan = %L', pg_catalog.current_database(), 'strict_order');
    EXECUTE pg_catalog.format('GRANT CONNECT, CREATE ON DATABASE %I TO ci_admin', pg_catalog.current_database());
    EXECUTE pg_catalog.format('GRANT CONNECT ON DATABASE %I TO ci_app', pg_catalog.current_database());
END
$do$;

-- Schema public: the owner builds, the application uses, nobody else creates.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO ci_admin;
GRANT USAGE ON SCHEMA public TO ci_app;
-- PostgreSQL gives EXECUTE on every new function to PUBLIC; here each function is granted by name.
ALTER DEFAULT PRIVILEGES FOR ROLE ci_admin
    REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
