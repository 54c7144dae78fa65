-- Intent: row-level security on all 11 tables, one policy each, the application's privileges, and the look-up of a key
--   before the tenant is known. The owner ci_admin bypasses the policies, which is what it is for. The file may run twice.
-- Locks: AccessExclusive on the 11 tables, one after the other, until the end; nothing is read or rewritten.
-- Undo: V0002__enable_rls.down.sql. It takes the application's privileges first, so that no row is ever open.

ALTER TABLE public.tenants ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS tenant_isolation ON public.tenants;
CREATE POLICY tenant_isolation ON public.tenants
    USING (id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.tenants TO ci_app;

ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS tenant_isolation ON public.users;
CREATE POLICY tenant_isolation ON public.users
    USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.users TO ci_app;

ALTER TABLE public.api_keys ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS tenant_isolation ON public.api_keys;
CREATE POLICY tenant_isolation ON public.api_keys
    USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.api_keys TO ci_app;

ALTER TABLE public.projects ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS tenant_isolation ON public.projects;
CREATE POLICY tenant_isolation ON public.projects
    USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.projects TO ci_app;

ALTER TABLE public.connectors ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS tenant_isolation ON public.connectors;
CREATE POLICY tenant_isolation ON public.connectors
    USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.connectors TO ci_app;

ALTER TABLE public.documents ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS tenant_isolation ON public.documents;
CREATE POLICY tenant_isolation ON public.documents
    USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.documents TO ci_app;

ALTER TABLE public.chunks ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS tenant_isolation ON public.chunks;
CREATE POLICY tenant_isolation ON public.chunks
    USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.chunks TO ci_app;

ALTER TABLE public.query_logs ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS tenant_isolation ON public.query_logs;
CREATE POLICY tenant_isolation ON public.query_logs
    USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.query_logs TO ci_app;

ALTER TABLE public.usage_events ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS tenant_isolation ON public.usage_events;
CREATE POLICY tenant_isolation ON public.usage_events
    USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.usage_events TO ci_app;

ALTER TABLE public.conversations ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS tenant_isolation ON public.conversations;
CREATE POLICY tenant_isolation ON public.conversations
    USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.conversations TO ci_app;

ALTER TABLE public.audit_logs ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS tenant_isolation ON public.audit_logs;
CREATE POLICY tenant_isolation ON public.audit_logs
    USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
-- What was written down stays written down.
GRANT SELECT, INSERT ON TABLE public.audit_logs TO ci_app;

-- Whose key a hash is, before the tenant is known: without one the policies show no row. Runs as the owner, looks for
-- exactly this hash, and gives what a request goes on with. An expired key is none.
CREATE OR REPLACE FUNCTION public.find_api_key(p_key_hash text)
RETURNS TABLE (api_key_id uuid, tenant_id uuid, scopes jsonb, environment public.api_key_env)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT k.id, k.tenant_id, k.scopes, k.environment FROM public.api_keys k
    WHERE k.key_hash = p_key_hash AND (k.expires_at IS NULL OR k.expires_at > pg_catalog.now());
$function$;
REVOKE ALL ON FUNCTION public.find_api_key(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.find_api_key(text) TO ci_app;
