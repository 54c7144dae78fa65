-- One row is one customer. The table has no tenant_id: its own id is the tenant.
CREATE TABLE public.tenants (
    -- The zero UUID is what a session without a context has: a tenant of that id would be everybody's.
    id uuid PRIMARY KEY DEFAULT gen_random_uuid()
        CONSTRAINT tenants_id_check CHECK (id <> '00000000-0000-0000-0000-000000000000'),
    name text NOT NULL,
    api_key text NOT NULL CONSTRAINT tenants_api_key_unique UNIQUE,
    plan text NOT NULL DEFAULT 'starter'
        CONSTRAINT tenants_plan_check CHECK (plan IN ('starter', 'growth', 'business', 'enterprise')),
    settings jsonb, -- maxMonthlySpend?, allowedDomains?: text[], features?: text[]
    stripe_customer_id text CONSTRAINT tenants_stripe_customer_id_unique UNIQUE,
    stripe_subscription_id text,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);
CREATE INDEX tenant_api_key_idx ON public.tenants (api_key);

ALTER TABLE public.tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.tenants FORCE ROW LEVEL SECURITY;
CREATE POLICY tenants_select ON public.tenants FOR SELECT USING (id = public.get_current_tenant_id());
-- Whoever signs up creates a tenant before there is one to be in.
CREATE POLICY tenants_insert ON public.tenants FOR INSERT WITH CHECK (true);
CREATE POLICY tenants_update ON public.tenants FOR UPDATE USING (id = public.get_current_tenant_id());
CREATE POLICY tenants_delete ON public.tenants FOR DELETE USING (id = public.get_current_tenant_id());
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.tenants TO platform_app;
GRANT SELECT (id, api_key) ON TABLE public.tenants TO platform_auth;

-- One row is one person of one tenant; an address belongs to one tenant only.
CREATE TABLE public.users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT users_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE CASCADE,
    email text NOT NULL CONSTRAINT users_email_unique UNIQUE,
    password_hash text NOT NULL,
    role text NOT NULL DEFAULT 'member'
        CONSTRAINT users_role_check CHECK (role IN ('owner', 'admin', 'member')),
    name text,
    avatar_url text,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);
CREATE INDEX user_email_idx ON public.users (email);
CREATE INDEX user_tenant_idx ON public.users (tenant_id);

ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.users FORCE ROW LEVEL SECURITY;
CREATE POLICY users_select ON public.users FOR SELECT USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY users_insert ON public.users FOR INSERT WITH CHECK (tenant_id = public.get_current_tenant_id());
CREATE POLICY users_update ON public.users FOR UPDATE USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY users_delete ON public.users FOR DELETE USING (tenant_id = public.get_current_tenant_id());
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.users TO platform_app;
GRANT SELECT (id, tenant_id, email, password_hash, role) ON TABLE public.users TO platform_auth;

-- One row is one chat widget on a customer's site.
CREATE TABLE public.widgets (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT widgets_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE CASCADE,
    name text NOT NULL,
    domain_whitelist jsonb NOT NULL, -- text[]
    settings jsonb, -- theme: light|dark|auto, position: bottom-right|bottom-left, greeting?, primaryColor?, secondaryColor?
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);

ALTER TABLE public.widgets ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.widgets FORCE ROW LEVEL SECURITY;
CREATE POLICY widgets_select ON public.widgets FOR SELECT USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY widgets_insert ON public.widgets FOR INSERT WITH CHECK (tenant_id = public.get_current_tenant_id());
CREATE POLICY widgets_update ON public.widgets FOR UPDATE USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY widgets_delete ON public.widgets FOR DELETE USING (tenant_id = public.get_current_tenant_id());
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.widgets TO platform_app;

-- One row is one video meeting. It outlives the user who created it.
CREATE TABLE public.meetings (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT meetings_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE CASCADE,
    room_name text NOT NULL CONSTRAINT meetings_room_name_unique UNIQUE,
    livekit_room_id text NOT NULL CONSTRAINT meetings_livekit_room_id_unique UNIQUE,
    created_by uuid CONSTRAINT meetings_created_by_users_id_fk REFERENCES public.users (id) ON DELETE SET NULL,
    started_at timestamp NOT NULL DEFAULT now(),
    ended_at timestamp,
    metadata jsonb -- title?, description?, participants?: text[]
);

ALTER TABLE public.meetings ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.meetings FORCE ROW LEVEL SECURITY;
CREATE POLICY meetings_select ON public.meetings FOR SELECT USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY meetings_insert ON public.meetings FOR INSERT WITH CHECK (tenant_id = public.get_current_tenant_id());
CREATE POLICY meetings_update ON public.meetings FOR UPDATE USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY meetings_delete ON public.meetings FOR DELETE USING (tenant_id = public.get_current_tenant_id());
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.meetings TO platform_app;

-- One row is one chat session.
CREATE TABLE public.sessions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT sessions_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE CASCADE,
    widget_id uuid CONSTRAINT sessions_widget_id_widgets_id_fk REFERENCES public.widgets (id) ON DELETE SET NULL,
    meeting_id uuid CONSTRAINT sessions_meeting_id_meetings_id_fk REFERENCES public.meetings (id) ON DELETE SET NULL,
    mode text NOT NULL DEFAULT 'text'
        CONSTRAINT sessions_mode_check CHECK (mode IN ('text', 'meeting')),
    cost_usd numeric(10,4) DEFAULT 0,
    metadata jsonb, -- userAgent?, ip?, country?, …
    created_at timestamp NOT NULL DEFAULT now(),
    ended_at timestamp
);
CREATE INDEX session_tenant_idx ON public.sessions (tenant_id);
CREATE INDEX session_widget_idx ON public.sessions (widget_id);
CREATE INDEX session_meeting_idx ON public.sessions (meeting_id);
CREATE INDEX session_created_at_idx ON public.sessions (created_at);

ALTER TABLE public.sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.sessions FORCE ROW LEVEL SECURITY;
CREATE POLICY sessions_select ON public.sessions FOR SELECT USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY sessions_insert ON public.sessions FOR INSERT WITH CHECK (tenant_id = public.get_current_tenant_id());
CREATE POLICY sessions_update ON public.sessions FOR UPDATE USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY sessions_delete ON public.sessions FOR DELETE USING (tenant_id = public.get_current_tenant_id());
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.sessions TO platform_app;

-- One row is one message of a session, whose tenant is its own.
CREATE TABLE public.messages (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    session_id uuid NOT NULL CONSTRAINT messages_session_id_sessions_id_fk REFERENCES public.sessions (id) ON DELETE CASCADE,
    role text NOT NULL
        CONSTRAINT messages_role_check CHECK (role IN ('user', 'assistant', 'system')),
    content text NOT NULL,
    attachments jsonb, -- {type: image|file, url, name?, size?}[]
    metadata jsonb, -- model?, tokensUsed?, costUsd?, latencyMs?
    "timestamp" timestamp NOT NULL DEFAULT now()
);
CREATE INDEX message_session_idx ON public.messages (session_id);
CREATE INDEX message_timestamp_idx ON public.messages ("timestamp");

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
