-- One row is one question that was asked. It outlives what it mentions.
CREATE TABLE public.query_logs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL,
    project_id uuid NOT NULL,
    user_id uuid,
    api_key_id uuid,
    query text NOT NULL,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX query_logs_tenant_project_idx ON public.query_logs (tenant_id, project_id);
CREATE INDEX query_logs_created_at_idx ON public.query_logs (created_at);

ALTER TABLE public.query_logs ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON public.query_logs
    USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.query_logs TO ci_app;

-- One row is one thing that is counted for the bill. It outlives what it mentions.
CREATE TABLE public.usage_events (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL,
    event_type varchar(100) NOT NULL,
    quantity integer NOT NULL DEFAULT 1,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX usage_events_tenant_idx ON public.usage_events (tenant_id);
CREATE INDEX usage_events_created_at_idx ON public.usage_events (created_at);

ALTER TABLE public.usage_events ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON public.usage_events
    USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.usage_events TO ci_app;

-- One row is one action that somebody took. It refers to nothing, so that nothing takes it away.
CREATE TABLE public.audit_logs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL,
    user_id uuid,
    api_key_id uuid,
    action varchar(100) NOT NULL,
    resource_type varchar(50) NOT NULL,
    resource_id uuid,
    metadata jsonb NOT NULL DEFAULT '{}',
    ip_address varchar(45), -- the longest IPv6 address
    user_agent text,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX audit_logs_tenant_idx ON public.audit_logs (tenant_id);
CREATE INDEX audit_logs_created_at_idx ON public.audit_logs (created_at);
CREATE INDEX audit_logs_action_idx ON public.audit_logs (tenant_id, action);

ALTER TABLE public.audit_logs ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON public.audit_logs
    USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
-- What was written down stays written down.
GRANT SELECT, INSERT ON TABLE public.audit_logs TO ci_app;
