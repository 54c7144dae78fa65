-- edu: role superuser
-- edu: no-transaction
-- Intent: everything that needs a superuser, once per database and again whenever asked: the extension, the roles,
--   database settings and privileges. Every step looks first, so a second run changes nothing. Run it with:
--   edu db bootstrap
-- Locks: row locks in the shared catalogs (roles, database settings); AccessExclusive on nothing that holds rows.
-- Undo: none, on purpose. DROP EXTENSION vector drops every embedding, the roles belong to the whole server;
--   dropping the database is the way back.

-- Before everything else: nuggets needs the type, and pgvector is no trusted extension.
CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public;

-- Roles are shared by all databases of the server, hence only created when missing.
-- The logins have no password here: give them one, or a certificate, where they are deployed.
DO $do$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'lms_user') THEN
        CREATE ROLE lms_user LOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'lms_app') THEN
        CREATE ROLE lms_app NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'lms_login') THEN
        CREATE ROLE lms_login LOGIN NOINHERIT;
    END IF;
END
$do$;

-- The login role may become the application role and has none of its rights before it does. It is never made a member
-- of lms_user, which owns the tables and which no policy binds.
GRANT lms_app TO lms_login WITH INHERIT FALSE, SET TRUE;

-- TimeZone: every timestamp is without time zone and holds UTC; CURRENT_TIMESTAMP follows the session's zone.
-- iterative_scan: without it the index stops after the nearest lists, before the organization's filter is applied.
DO $do$
BEGIN
    EXECUTE pg_catalog.format('ALTER DATABASE %I SET "TimeZone" = %L', pg_catalog.current_database(), 'UTC');
    EXECUTE pg_catalog.format('ALTER DATABASE %I SET ivfflat.iterative_scan = %L', pg_catalog.current_database(), 'relaxed_order');
    EXECUTE pg_catalog.format('GRANT CONNECT, CREATE ON DATABASE %I TO lms_user', pg_catalog.current_database());
    EXECUTE pg_catalog.format('GRANT CONNECT ON DATABASE %I TO lms_login', pg_catalog.current_database());
END
$do$;

-- Schema public: the owner builds, the application uses, nobody else creates.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO lms_user;
GRANT USAGE ON SCHEMA public TO lms_app, lms_login;
-- PostgreSQL gives EXECUTE on every new function to PUBLIC; here each function is granted by name.
ALTER DEFAULT PRIVILEGES FOR ROLE lms_user
    REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
