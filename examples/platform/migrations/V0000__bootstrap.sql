-- edu: role superuser
-- Intent: everything that needs a superuser, once per database and again whenever asked: the extension, the roles, the
--   database's settings and privileges, and the three look-ups that must work before a tenant is known.
--   Every step looks first, so a second run changes nothing. Run it with: edu db bootstrap
-- Locks: row locks in the shared catalogs (roles, database settings); nothing that holds rows.
-- Undo: none, on purpose. The roles belong to the whole server and may be in use by other databases; dropping the
--   database is the way back.

CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public;

-- Roles are shared by all databases of the server, hence only created when missing. None has a password here: give the
-- two that log in one, or a certificate, where they are deployed.
DO $do$
BEGIN
    -- The owner. It is bound by FORCE ROW LEVEL SECURITY like everybody else; only a superuser is not.
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'platform') THEN
        CREATE ROLE platform LOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'platform_app') THEN
        CREATE ROLE platform_app LOGIN;
    END IF;
    -- Owns the three look-ups below and nothing else. Nobody is a member of it.
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'platform_auth') THEN
        CREATE ROLE platform_auth NOLOGIN BYPASSRLS;
    END IF;
END
$do$;

-- Timestamps have no time zone, so every session must have the same one.
-- iterative_scan: without it an approximate index stops after ef_search rows, before the policies are applied, and a
-- small tenant gets fewer neighbours than asked for, silently. ef_search: what its searches are to run with.
-- Statements that take longer than 100 ms are logged.
DO $do$
BEGIN
    EXECUTE pg_catalog.format('ALTER DATABASE %I SET timezone = %L', pg_catalog.current_database(), 'UTC');
    EXECUTE pg_catalog.format('ALTER DATABASE %I SET hnsw.iterative_scan = %L', pg_catalog.current_database(), 'strict_order');
    EXECUTE pg_catalog.format('ALTER DATABASE %I SET hnsw.ef_search = 100', pg_catalog.current_database());
    EXECUTE pg_catalog.format('ALTER DATABASE %I SET log_min_duration_statement = %L', pg_catalog.current_database(), '100ms');
    EXECUTE pg_catalog.format('GRANT CONNECT, CREATE ON DATABASE %I TO platform', pg_catalog.current_database());
    EXECUTE pg_catalog.format('GRANT CONNECT ON DATABASE %I TO platform_app', pg_catalog.current_database());
END
$do$;

-- Schema public: the owner builds, the application uses, nobody else creates.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO platform;
GRANT USAGE ON SCHEMA public TO platform_app, platform_auth;
-- PostgreSQL gives EXECUTE on every new function to PUBLIC; here each function is granted by name.
ALTER DEFAULT PRIVILEGES FOR ROLE platform
    REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- The door: who logs in, shows a session's token, or embeds a widget has no tenant yet, and without one the policies
-- show no row. Each function takes a secret or an address, looks for exactly that, and gives the least that goes on
-- from there. platform_auth may read no other column than those it names (V0003 grants them), and no row can be changed.
-- They are PL/pgSQL because they are older than the tables they read.

-- What checking a password needs.
CREATE OR REPLACE FUNCTION public.find_login(p_email text)
RETURNS TABLE (user_id uuid, tenant_id uuid, role text, password_hash text)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RETURN QUERY SELECT u.id, u.tenant_id, u.role, u.password_hash FROM public.users u WHERE u.email = p_email;
END
$function$;

-- Whose session a token is, while it lasts.
CREATE OR REPLACE FUNCTION public.find_session(p_session_token text)
RETURNS TABLE (user_id uuid, tenant_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RETURN QUERY
        SELECT u.id, u.tenant_id FROM public.auth_sessions s JOIN public.users u ON u.id = s.user_id
        WHERE s.session_token = p_session_token AND s.expires > pg_catalog.now();
END
$function$;

-- Whose widget shows this key.
CREATE OR REPLACE FUNCTION public.find_tenant_by_api_key(p_api_key text)
RETURNS uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RETURN (SELECT t.id FROM public.tenants t WHERE t.api_key = p_api_key);
END
$function$;

ALTER FUNCTION public.find_login(text) OWNER TO platform_auth;
ALTER FUNCTION public.find_session(text) OWNER TO platform_auth;
ALTER FUNCTION public.find_tenant_by_api_key(text) OWNER TO platform_auth;
REVOKE ALL ON FUNCTION public.find_login(text), public.find_session(text), public.find_tenant_by_api_key(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.find_login(text), public.find_session(text), public.find_tenant_by_api_key(text)
    TO platform_app;
