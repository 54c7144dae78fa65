-- Intent: undoes V0002. The privileges go first: without policies nobody but the owner may use the tables.
-- Locks: AccessExclusive on the 11 tables until the end.
-- Undo: run V0002 again.

DROP FUNCTION public.find_api_key(text);

REVOKE ALL ON TABLE public.tenants FROM ci_app;
REVOKE ALL ON TABLE public.users FROM ci_app;
REVOKE ALL ON TABLE public.api_keys FROM ci_app;
REVOKE ALL ON TABLE public.projects FROM ci_app;
REVOKE ALL ON TABLE public.connectors FROM ci_app;
REVOKE ALL ON TABLE public.documents FROM ci_app;
REVOKE ALL ON TABLE public.chunks FROM ci_app;
REVOKE ALL ON TABLE public.query_logs FROM ci_app;
REVOKE ALL ON TABLE public.usage_events FROM ci_app;
REVOKE ALL ON TABLE public.conversations FROM ci_app;
REVOKE ALL ON TABLE public.audit_logs FROM ci_app;

DROP POLICY tenant_isolation ON public.tenants;
ALTER TABLE public.tenants DISABLE ROW LEVEL SECURITY;

DROP POLICY tenant_isolation ON public.users;
ALTER TABLE public.users DISABLE ROW LEVEL SECURITY;

DROP POLICY tenant_isolation ON public.api_keys;
ALTER TABLE public.api_keys DISABLE ROW LEVEL SECURITY;

DROP POLICY tenant_isolation ON public.projects;
ALTER TABLE public.projects DISABLE ROW LEVEL SECURITY;

DROP POLICY tenant_isolation ON public.connectors;
ALTER TABLE public.connectors DISABLE ROW LEVEL SECURITY;

DROP POLICY tenant_isolation ON public.documents;
ALTER TABLE public.documents DISABLE ROW LEVEL SECURITY;

DROP POLICY tenant_isolation ON public.chunks;
ALTER TABLE public.chunks DISABLE ROW LEVEL SECURITY;

DROP POLICY tenant_isolation ON public.query_logs;
ALTER TABLE public.query_logs DISABLE ROW LEVEL SECURITY;

DROP POLICY tenant_isolation ON public.usage_events;
ALTER TABLE public.usage_events DISABLE ROW LEVEL SECURITY;

DROP POLICY tenant_isolation ON public.conversations;
ALTER TABLE public.conversations DISABLE ROW LEVEL SECURITY;

DROP POLICY tenant_isolation ON public.audit_logs;
ALTER TABLE public.audit_logs DISABLE ROW LEVEL SECURITY;
