-- Intent: the 15 tables with their 19 B-tree indexes. Nobody but the owner may use them before V0003 has bound them to
--   tenants.
-- Locks: new objects only; ShareRowExclusive on tables made in this same file where a foreign key points at them.
-- Undo: V0001__initial_schema.down.sql drops it all, rows included.
-- Names: primary keys and CHECKs as PostgreSQL names them, unique constraints <table>_<column>_unique and foreign keys
--   <table>_<column>_<referenced table>_id_fk as drizzle-kit names them.
-- tenant_api_key_idx and user_email_idx repeat what a unique index gives already; they are the document's.

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

-- One row is one login (Auth.js). Its tenant is the user's.
CREATE TABLE public.auth_sessions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    session_token text NOT NULL CONSTRAINT auth_sessions_session_token_unique UNIQUE,
    user_id uuid NOT NULL CONSTRAINT auth_sessions_user_id_users_id_fk REFERENCES public.users (id) ON DELETE CASCADE,
    expires timestamptz NOT NULL
);

-- One row is one mailed token (Auth.js). It belongs to no tenant and to no user yet, and has no row-level security.
CREATE TABLE public.verification_tokens (
    identifier text NOT NULL,
    token text NOT NULL CONSTRAINT verification_tokens_token_unique UNIQUE,
    expires timestamptz NOT NULL
);

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

-- One row is one document of a tenant's knowledge base. Without an embedding it is found by its words alone.
CREATE TABLE public.knowledge_documents (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT knowledge_documents_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE CASCADE,
    title text NOT NULL,
    content text NOT NULL,
    category text,
    embedding public.vector(1024),
    metadata jsonb, -- source?, url?, author?, tags?: text[]
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);
CREATE INDEX knowledge_tenant_idx ON public.knowledge_documents (tenant_id);
CREATE INDEX knowledge_category_idx ON public.knowledge_documents (category);

-- One row is one piece of a document, whose tenant is its own.
CREATE TABLE public.knowledge_chunks (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    document_id uuid NOT NULL CONSTRAINT knowledge_chunks_document_id_knowledge_documents_id_fk REFERENCES public.knowledge_documents (id) ON DELETE CASCADE,
    content text NOT NULL,
    embedding public.vector(1024) NOT NULL,
    position integer NOT NULL, -- order within the document
    metadata jsonb -- chunkSize?, overlapSize?
);

-- One row is one paid call of a service.
CREATE TABLE public.cost_events (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT cost_events_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE CASCADE,
    session_id uuid CONSTRAINT cost_events_session_id_sessions_id_fk REFERENCES public.sessions (id) ON DELETE SET NULL,
    service text NOT NULL
        CONSTRAINT cost_events_service_check CHECK (service IN ('vision', 'voice_stt', 'voice_tts', 'llm', 'embedding', 'livekit')),
    provider text,
    tokens_used integer,
    cost_usd numeric(10,6) NOT NULL,
    metadata jsonb, -- model?, operation?, duration?
    "timestamp" timestamp NOT NULL DEFAULT now()
);
CREATE INDEX cost_tenant_timestamp_idx ON public.cost_events (tenant_id, "timestamp");
CREATE INDEX cost_session_idx ON public.cost_events (session_id);

-- One row is what one tenant spent in one period.
CREATE TABLE public.cost_summaries (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT cost_summaries_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE CASCADE,
    period_start timestamp NOT NULL,
    period_end timestamp NOT NULL,
    total_cost_usd numeric(10,4) NOT NULL,
    breakdown jsonb NOT NULL, -- vision, voice_stt, voice_tts, llm, embedding, livekit: numbers
    event_count integer NOT NULL DEFAULT 0,
    created_at timestamp NOT NULL DEFAULT now()
);
CREATE INDEX cost_summary_tenant_period_idx ON public.cost_summaries (tenant_id, period_start, period_end);

-- One row is one budget that was passed.
CREATE TABLE public.budget_alerts (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT budget_alerts_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE CASCADE,
    threshold numeric(10,2) NOT NULL,
    current_spend numeric(10,4) NOT NULL,
    period text NOT NULL DEFAULT 'monthly'
        CONSTRAINT budget_alerts_period_check CHECK (period IN ('daily', 'weekly', 'monthly')),
    severity text NOT NULL DEFAULT 'warning'
        CONSTRAINT budget_alerts_severity_check CHECK (severity IN ('warning', 'critical')),
    notifications_sent integer NOT NULL DEFAULT 0,
    triggered_at timestamp NOT NULL DEFAULT now(),
    resolved boolean NOT NULL DEFAULT false,
    resolved_at timestamp,
    metadata jsonb -- recipients?: text[], channels?: text[], customMessage?
);
CREATE INDEX budget_alert_tenant_idx ON public.budget_alerts (tenant_id);
CREATE INDEX budget_alert_active_idx ON public.budget_alerts (tenant_id, resolved);
CREATE INDEX budget_alert_triggered_idx ON public.budget_alerts (triggered_at);

-- One row is one way the assistant of a tenant speaks.
CREATE TABLE public.ai_personalities (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT ai_personalities_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE CASCADE,
    name text NOT NULL,
    description text,
    system_prompt text NOT NULL,
    temperature numeric(3,2) NOT NULL DEFAULT 0.7,
    max_tokens integer DEFAULT 2000,
    top_p numeric(3,2) DEFAULT 1.0,
    frequency_penalty numeric(3,2) DEFAULT 0.0,
    presence_penalty numeric(3,2) DEFAULT 0.0,
    preferred_model text,
    is_default boolean NOT NULL DEFAULT false,
    is_active boolean NOT NULL DEFAULT true,
    metadata jsonb, -- tags?: text[], category?, usageStats?: {totalUses, avgTokens, avgCost}
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);
CREATE INDEX ai_personality_tenant_idx ON public.ai_personalities (tenant_id);
CREATE INDEX ai_personality_default_idx ON public.ai_personalities (tenant_id, is_default, is_active);
