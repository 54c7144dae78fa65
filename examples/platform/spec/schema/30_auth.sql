-- One row is one account that a user has elsewhere (Auth.js). Its tenant is the user's.
CREATE TABLE public.accounts (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL CONSTRAINT accounts_user_id_users_id_fk REFERENCES public.users (id) ON DELETE CASCADE,
    type text NOT NULL, -- 'oauth', 'email', …
    provider text NOT NULL,
    provider_account_id text NOT NULL,
    refresh_token text,
    access_token text,
    expires_at integer, -- seconds since 1970
    token_type text,
    scope text,
    id_token text,
    session_state text
);

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

-- One row is one login (Auth.js). Its tenant is the user's.
CREATE TABLE public.auth_sessions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    session_token text NOT NULL CONSTRAINT auth_sessions_session_token_unique UNIQUE,
    user_id uuid NOT NULL CONSTRAINT auth_sessions_user_id_users_id_fk REFERENCES public.users (id) ON DELETE CASCADE,
    expires timestamptz NOT NULL
);

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

-- One row is one mailed token (Auth.js). It belongs to no tenant and to no user yet, and has no row-level security.
CREATE TABLE public.verification_tokens (
    identifier text NOT NULL,
    token text NOT NULL CONSTRAINT verification_tokens_token_unique UNIQUE,
    expires timestamptz NOT NULL
);

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.verification_tokens TO platform_app;
