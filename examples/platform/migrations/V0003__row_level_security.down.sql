-- Intent: undoes V0003. The privileges go first: without policies nobody but the owner may use the tables.
-- Locks: AccessExclusive on the 14 tables until the end.
-- Undo: run V0003 again.

REVOKE ALL ON TABLE public.tenants FROM platform_app;
REVOKE ALL ON TABLE public.users FROM platform_app;
REVOKE ALL ON TABLE public.accounts FROM platform_app;
REVOKE ALL ON TABLE public.auth_sessions FROM platform_app;
REVOKE ALL ON TABLE public.verification_tokens FROM platform_app;
REVOKE ALL ON TABLE public.widgets FROM platform_app;
REVOKE ALL ON TABLE public.meetings FROM platform_app;
REVOKE ALL ON TABLE public.sessions FROM platform_app;
REVOKE ALL ON TABLE public.messages FROM platform_app;
REVOKE ALL ON TABLE public.knowledge_documents FROM platform_app;
REVOKE ALL ON TABLE public.knowledge_chunks FROM platform_app;
REVOKE ALL ON TABLE public.cost_events FROM platform_app;
REVOKE ALL ON TABLE public.cost_summaries FROM platform_app;
REVOKE ALL ON TABLE public.budget_alerts FROM platform_app;
REVOKE ALL ON TABLE public.ai_personalities FROM platform_app;
REVOKE ALL ON TABLE public.tenants FROM platform_auth;
REVOKE ALL ON TABLE public.users FROM platform_auth;
REVOKE ALL ON TABLE public.auth_sessions FROM platform_auth;

DROP POLICY tenants_select ON public.tenants;
DROP POLICY tenants_insert ON public.tenants;
DROP POLICY tenants_update ON public.tenants;
DROP POLICY tenants_delete ON public.tenants;
ALTER TABLE public.tenants NO FORCE ROW LEVEL SECURITY;
ALTER TABLE public.tenants DISABLE ROW LEVEL SECURITY;

DROP POLICY users_select ON public.users;
DROP POLICY users_insert ON public.users;
DROP POLICY users_update ON public.users;
DROP POLICY users_delete ON public.users;
ALTER TABLE public.users NO FORCE ROW LEVEL SECURITY;
ALTER TABLE public.users DISABLE ROW LEVEL SECURITY;

DROP POLICY accounts_select ON public.accounts;
DROP POLICY accounts_insert ON public.accounts;
DROP POLICY accounts_update ON public.accounts;
DROP POLICY accounts_delete ON public.accounts;
ALTER TABLE public.accounts NO FORCE ROW LEVEL SECURITY;
ALTER TABLE public.accounts DISABLE ROW LEVEL SECURITY;

DROP POLICY auth_sessions_select ON public.auth_sessions;
DROP POLICY auth_sessions_insert ON public.auth_sessions;
DROP POLICY auth_sessions_update ON public.auth_sessions;
DROP POLICY auth_sessions_delete ON public.auth_sessions;
ALTER TABLE public.auth_sessions NO FORCE ROW LEVEL SECURITY;
ALTER TABLE public.auth_sessions DISABLE ROW LEVEL SECURITY;

DROP POLICY widgets_select ON public.widgets;
DROP POLICY widgets_insert ON public.widgets;
DROP POLICY widgets_update ON public.widgets;
DROP POLICY widgets_delete ON public.widgets;
ALTER TABLE public.widgets NO FORCE ROW LEVEL SECURITY;
ALTER TABLE public.widgets DISABLE ROW LEVEL SECURITY;

DROP POLICY meetings_select ON public.meetings;
DROP POLICY meetings_insert ON public.meetings;
DROP POLICY meetings_update ON public.meetings;
DROP POLICY meetings_delete ON public.meetings;
ALTER TABLE public.meetings NO FORCE ROW LEVEL SECURITY;
ALTER TABLE public.meetings DISABLE ROW LEVEL SECURITY;

DROP POLICY sessions_select ON public.sessions;
DROP POLICY sessions_insert ON public.sessions;
DROP POLICY sessions_update ON public.sessions;
DROP POLICY sessions_delete ON public.sessions;
ALTER TABLE public.sessions NO FORCE ROW LEVEL SECURITY;
ALTER TABLE public.sessions DISABLE ROW LEVEL SECURITY;

DROP POLICY messages_select ON public.messages;
DROP POLICY messages_insert ON public.messages;
DROP POLICY messages_update ON public.messages;
DROP POLICY messages_delete ON public.messages;
ALTER TABLE public.messages NO FORCE ROW LEVEL SECURITY;
ALTER TABLE public.messages DISABLE ROW LEVEL SECURITY;

DROP POLICY knowledge_documents_select ON public.knowledge_documents;
DROP POLICY knowledge_documents_insert ON public.knowledge_documents;
DROP POLICY knowledge_documents_update ON public.knowledge_documents;
DROP POLICY knowledge_documents_delete ON public.knowledge_documents;
ALTER TABLE public.knowledge_documents NO FORCE ROW LEVEL SECURITY;
ALTER TABLE public.knowledge_documents DISABLE ROW LEVEL SECURITY;

DROP POLICY knowledge_chunks_select ON public.knowledge_chunks;
DROP POLICY knowledge_chunks_insert ON public.knowledge_chunks;
DROP POLICY knowledge_chunks_update ON public.knowledge_chunks;
DROP POLICY knowledge_chunks_delete ON public.knowledge_chunks;
ALTER TABLE public.knowledge_chunks NO FORCE ROW LEVEL SECURITY;
ALTER TABLE public.knowledge_chunks DISABLE ROW LEVEL SECURITY;

DROP POLICY cost_events_select ON public.cost_events;
DROP POLICY cost_events_insert ON public.cost_events;
DROP POLICY cost_events_update ON public.cost_events;
DROP POLICY cost_events_delete ON public.cost_events;
ALTER TABLE public.cost_events NO FORCE ROW LEVEL SECURITY;
ALTER TABLE public.cost_events DISABLE ROW LEVEL SECURITY;

DROP POLICY cost_summaries_select ON public.cost_summaries;
DROP POLICY cost_summaries_insert ON public.cost_summaries;
DROP POLICY cost_summaries_update ON public.cost_summaries;
DROP POLICY cost_summaries_delete ON public.cost_summaries;
ALTER TABLE public.cost_summaries NO FORCE ROW LEVEL SECURITY;
ALTER TABLE public.cost_summaries DISABLE ROW LEVEL SECURITY;

DROP POLICY budget_alerts_select ON public.budget_alerts;
DROP POLICY budget_alerts_insert ON public.budget_alerts;
DROP POLICY budget_alerts_update ON public.budget_alerts;
DROP POLICY budget_alerts_delete ON public.budget_alerts;
ALTER TABLE public.budget_alerts NO FORCE ROW LEVEL SECURITY;
ALTER TABLE public.budget_alerts DISABLE ROW LEVEL SECURITY;

DROP POLICY ai_personalities_select ON public.ai_personalities;
DROP POLICY ai_personalities_insert ON public.ai_personalities;
DROP POLICY ai_personalities_update ON public.ai_personalities;
DROP POLICY ai_personalities_delete ON public.ai_personalities;
ALTER TABLE public.ai_personalities NO FORCE ROW LEVEL SECURITY;
ALTER TABLE public.ai_personalities DISABLE ROW LEVEL SECURITY;

DROP FUNCTION public.get_current_tenant_id();
