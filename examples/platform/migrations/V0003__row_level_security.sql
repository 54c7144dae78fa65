-- Intent: get_current_tenant_id(), row-level security with FORCE on 14 tables, their 56 policies, and the privileges of the
--   application. FORCE binds the owner too; a superuser is bound by nothing. The policies name no role, as the document
--   prints them. Tables without a tenant_id are bound through the row that their foreign key names.
-- Locks: AccessExclusive on the 14 tables, one after the other, until the end; nothing is read or rewritten.
-- Undo: V0003__row_level_security.down.sql. It takes the application's privileges first, so that no row is ever open.

-- The tenant of the running transaction, from the setting app.current_tenant_id. An empty setting counts as none, and
-- none as a tenant that never exists: the zero UUID.
CREATE FUNCTION public.get_current_tenant_id() RETURNS uuid
    LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $function$
BEGIN
  RETURN COALESCE(NULLIF(current_setting('app.current_tenant_id', true), ''), '00000000-0000-0000-0000-000000000000')::uuid;
END;
$function$;
REVOKE ALL ON FUNCTION public.get_current_tenant_id() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.get_current_tenant_id() TO platform_app;

ALTER TABLE public.tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.tenants FORCE ROW LEVEL SECURITY;
CREATE POLICY tenants_select ON public.tenants FOR SELECT USING (id = public.get_current_tenant_id());
-- Whoever signs up creates a tenant before there is one to be in.
CREATE POLICY tenants_insert ON public.tenants FOR INSERT WITH CHECK (true);
CREATE POLICY tenants_update ON public.tenants FOR UPDATE USING (id = public.get_current_tenant_id());
CREATE POLICY tenants_delete ON public.tenants FOR DELETE USING (id = public.get_current_tenant_id());
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.tenants TO platform_app;
GRANT SELECT (id, api_key) ON TABLE public.tenants TO platform_auth;

ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.users FORCE ROW LEVEL SECURITY;
CREATE POLICY users_select ON public.users FOR SELECT USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY users_insert ON public.users FOR INSERT WITH CHECK (tenant_id = public.get_current_tenant_id());
CREATE POLICY users_update ON public.users FOR UPDATE USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY users_delete ON public.users FOR DELETE USING (tenant_id = public.get_current_tenant_id());
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.users TO platform_app;
GRANT SELECT (id, tenant_id, email, password_hash, role) ON TABLE public.users TO platform_auth;

ALTER TABLE public.accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.accounts FORCE ROW LEVEL SECURITY;
CREATE POLICY accounts_select ON public.accounts FOR SELECT USING (EXISTS (
        SELECT FROM public.users parent
        WHERE parent.id = accounts.user_id AND parent.tenant_id = public.get_current_tenant_id()));
CREATE POLICY accounts_insert ON public.accounts FOR INSERT WITH CHECK (EXISTS (
        SELECT FROM public.users parent
        WHERE parent.id = accounts.user_id AND parent.tenant_id = public.get_current_tenant_id()));
CREATE POLICY accounts_update ON public.accounts FOR UPDATE USING (EXISTS (
        SELECT FROM public.users parent
        WHERE parent.id = accounts.user_id AND parent.tenant_id = public.get_current_tenant_id()));
CREATE POLICY accounts_delete ON public.accounts FOR DELETE USING (EXISTS (
        SELECT FROM public.users parent
        WHERE parent.id = accounts.user_id AND parent.tenant_id = public.get_current_tenant_id()));
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.accounts TO platform_app;

ALTER TABLE public.auth_sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.auth_sessions FORCE ROW LEVEL SECURITY;
CREATE POLICY auth_sessions_select ON public.auth_sessions FOR SELECT USING (EXISTS (
        SELECT FROM public.users parent
        WHERE parent.id = auth_sessions.user_id AND parent.tenant_id = public.get_current_tenant_id()));
CREATE POLICY auth_sessions_insert ON public.auth_sessions FOR INSERT WITH CHECK (EXISTS (
        SELECT FROM public.users parent
        WHERE parent.id = auth_sessions.user_id AND parent.tenant_id = public.get_current_tenant_id()));
CREATE POLICY auth_sessions_update ON public.auth_sessions FOR UPDATE USING (EXISTS (
        SELECT FROM public.users parent
        WHERE parent.id = auth_sessions.user_id AND parent.tenant_id = public.get_current_tenant_id()));
CREATE POLICY auth_sessions_delete ON public.auth_sessions FOR DELETE USING (EXISTS (
        SELECT FROM public.users parent
        WHERE parent.id = auth_sessions.user_id AND parent.tenant_id = public.get_current_tenant_id()));
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.auth_sessions TO platform_app;
GRANT SELECT (session_token, user_id, expires) ON TABLE public.auth_sessions TO platform_auth;

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.verification_tokens TO platform_app;

ALTER TABLE public.widgets ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.widgets FORCE ROW LEVEL SECURITY;
CREATE POLICY widgets_select ON public.widgets FOR SELECT USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY widgets_insert ON public.widgets FOR INSERT WITH CHECK (tenant_id = public.get_current_tenant_id());
CREATE POLICY widgets_update ON public.widgets FOR UPDATE USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY widgets_delete ON public.widgets FOR DELETE USING (tenant_id = public.get_current_tenant_id());
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.widgets TO platform_app;

ALTER TABLE public.meetings ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.meetings FORCE ROW LEVEL SECURITY;
CREATE POLICY meetings_select ON public.meetings FOR SELECT USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY meetings_insert ON public.meetings FOR INSERT WITH CHECK (tenant_id = public.get_current_tenant_id());
CREATE POLICY meetings_update ON public.meetings FOR UPDATE USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY meetings_delete ON public.meetings FOR DELETE USING (tenant_id = public.get_current_tenant_id());
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.meetings TO platform_app;

ALTER TABLE public.sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.sessions FORCE ROW LEVEL SECURITY;
CREATE POLICY sessions_select ON public.sessions FOR SELECT USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY sessions_insert ON public.sessions FOR INSERT WITH CHECK (tenant_id = public.get_current_tenant_id());
CREATE POLICY sessions_update ON public.sessions FOR UPDATE USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY sessions_delete ON public.sessions FOR DELETE USING (tenant_id = public.get_current_tenant_id());
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.sessions TO platform_app;

ALTER TABLE public.messages ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.messages FORCE ROW LEVEL SECURITY;
CREATE POLICY messages_select ON public.messages FOR SELECT USING (EXISTS (
        SELECT FROM public.sessions parent
        WHERE parent.id = messages.session_id AND parent.tenant_id = public.get_current_tenant_id()));
CREATE POLICY messages_insert ON public.messages FOR INSERT WITH CHECK (EXISTS (
        SELECT FROM public.sessions parent
        WHERE parent.id = messages.session_id AND parent.tenant_id = public.get_current_tenant_id()));
CREATE POLICY messages_update ON public.messages FOR UPDATE USING (EXISTS (
        SELECT FROM public.sessions parent
        WHERE parent.id = messages.session_id AND parent.tenant_id = public.get_current_tenant_id()));
CREATE POLICY messages_delete ON public.messages FOR DELETE USING (EXISTS (
        SELECT FROM public.sessions parent
        WHERE parent.id = messages.session_id AND parent.tenant_id = public.get_current_tenant_id()));
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.messages TO platform_app;

ALTER TABLE public.knowledge_documents ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.knowledge_documents FORCE ROW LEVEL SECURITY;
CREATE POLICY knowledge_documents_select ON public.knowledge_documents FOR SELECT USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY knowledge_documents_insert ON public.knowledge_documents FOR INSERT WITH CHECK (tenant_id = public.get_current_tenant_id());
CREATE POLICY knowledge_documents_update ON public.knowledge_documents FOR UPDATE USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY knowledge_documents_delete ON public.knowledge_documents FOR DELETE USING (tenant_id = public.get_current_tenant_id());
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.knowledge_documents TO platform_app;

ALTER TABLE public.knowledge_chunks ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.knowledge_chunks FORCE ROW LEVEL SECURITY;
CREATE POLICY knowledge_chunks_select ON public.knowledge_chunks FOR SELECT USING (EXISTS (
        SELECT FROM public.knowledge_documents parent
        WHERE parent.id = knowledge_chunks.document_id AND parent.tenant_id = public.get_current_tenant_id()));
CREATE POLICY knowledge_chunks_insert ON public.knowledge_chunks FOR INSERT WITH CHECK (EXISTS (
        SELECT FROM public.knowledge_documents parent
        WHERE parent.id = knowledge_chunks.document_id AND parent.tenant_id = public.get_current_tenant_id()));
CREATE POLICY knowledge_chunks_update ON public.knowledge_chunks FOR UPDATE USING (EXISTS (
        SELECT FROM public.knowledge_documents parent
        WHERE parent.id = knowledge_chunks.document_id AND parent.tenant_id = public.get_current_tenant_id()));
CREATE POLICY knowledge_chunks_delete ON public.knowledge_chunks FOR DELETE USING (EXISTS (
        SELECT FROM public.knowledge_documents parent
        WHERE parent.id = knowledge_chunks.document_id AND parent.tenant_id = public.get_current_tenant_id()));
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.knowledge_chunks TO platform_app;

ALTER TABLE public.cost_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.cost_events FORCE ROW LEVEL SECURITY;
CREATE POLICY cost_events_select ON public.cost_events FOR SELECT USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY cost_events_insert ON public.cost_events FOR INSERT WITH CHECK (tenant_id = public.get_current_tenant_id());
CREATE POLICY cost_events_update ON public.cost_events FOR UPDATE USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY cost_events_delete ON public.cost_events FOR DELETE USING (tenant_id = public.get_current_tenant_id());
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.cost_events TO platform_app;

ALTER TABLE public.cost_summaries ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.cost_summaries FORCE ROW LEVEL SECURITY;
CREATE POLICY cost_summaries_select ON public.cost_summaries FOR SELECT USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY cost_summaries_insert ON public.cost_summaries FOR INSERT WITH CHECK (tenant_id = public.get_current_tenant_id());
CREATE POLICY cost_summaries_update ON public.cost_summaries FOR UPDATE USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY cost_summaries_delete ON public.cost_summaries FOR DELETE USING (tenant_id = public.get_current_tenant_id());
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.cost_summaries TO platform_app;

ALTER TABLE public.budget_alerts ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.budget_alerts FORCE ROW LEVEL SECURITY;
CREATE POLICY budget_alerts_select ON public.budget_alerts FOR SELECT USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY budget_alerts_insert ON public.budget_alerts FOR INSERT WITH CHECK (tenant_id = public.get_current_tenant_id());
CREATE POLICY budget_alerts_update ON public.budget_alerts FOR UPDATE USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY budget_alerts_delete ON public.budget_alerts FOR DELETE USING (tenant_id = public.get_current_tenant_id());
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.budget_alerts TO platform_app;

ALTER TABLE public.ai_personalities ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.ai_personalities FORCE ROW LEVEL SECURITY;
CREATE POLICY ai_personalities_select ON public.ai_personalities FOR SELECT USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY ai_personalities_insert ON public.ai_personalities FOR INSERT WITH CHECK (tenant_id = public.get_current_tenant_id());
CREATE POLICY ai_personalities_update ON public.ai_personalities FOR UPDATE USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY ai_personalities_delete ON public.ai_personalities FOR DELETE USING (tenant_id = public.get_current_tenant_id());
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.ai_personalities TO platform_app;
