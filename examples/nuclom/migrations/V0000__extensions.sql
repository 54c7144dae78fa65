-- edu: role superuser
-- edu: no-transaction
-- Intent: everything that needs a superuser, once per database and again whenever asked: the extension, the roles,
--   database settings and privileges. Every step looks first, so a second run changes nothing. Run it with:
--   edu db bootstrap
-- Locks: row locks in the shared catalogs (roles, database settings); AccessExclusive on nothing that holds rows.
-- Undo: none, on purpose. DROP EXTENSION vector drops every embedding, the roles belong to the whole server;
--   dropping the database is the way back.

-- Before everything else: transcript_chunks needs the type, and pgvector is no trusted extension.
CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public;

-- Roles are shared by all databases of the server, hence only created when missing.
-- The login role has no password here: give it one, or a certificate, where it is deployed.
DO $do$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'nuclom_owner') THEN
        CREATE ROLE nuclom_owner NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'nuclom_app') THEN
        CREATE ROLE nuclom_app NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'nuclom_login') THEN
        CREATE ROLE nuclom_login LOGIN NOINHERIT;
    END IF;
END
$do$;

-- The login role may become the application role and has none of its rights before it does.
-- It is never made a member of the owner: the owner is not bound by row-level security.
GRANT nuclom_app TO nuclom_login WITH INHERIT FALSE, SET TRUE;

-- TimeZone: every timestamp is without time zone, so now() has to mean the same in every session.
-- iterative_scan: without it the HNSW index stops after ef_search rows, before the organization's filter is applied.
DO $do$
BEGIN
    EXECUTE pg_catalog.format('ALTER DATABASE %I SET "TimeZone" = %L', pg_catalog.current_database(), 'UTC');
    EXECUTE pg_catalog.format('ALTER DATABASE %I SET hnsw.iterative_scan = %L', pg_catalog.current_database(), 'strict_order');
    EXECUTE pg_catalog.format('GRANT CONNECT, CREATE ON DATABASE %I TO nuclom_owner', pg_catalog.current_database());
    EXECUTE pg_catalog.format('GRANT CONNECT ON DATABASE %I TO nuclom_login', pg_catalog.current_database());
END
$do$;

-- Schema public: the owner builds, the application uses, nobody else creates.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO nuclom_owner;
GRANT USAGE ON SCHEMA public TO nuclom_app, nuclom_login;
-- PostgreSQL gives EXECUTE on every new function to PUBLIC; here each function is granted by name.
ALTER DEFAULT PRIVILEGES FOR ROLE nuclom_owner
    REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
