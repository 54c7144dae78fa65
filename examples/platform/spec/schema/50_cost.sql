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

ALTER TABLE public.cost_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.cost_events FORCE ROW LEVEL SECURITY;
CREATE POLICY cost_events_select ON public.cost_events FOR SELECT USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY cost_events_insert ON public.cost_events FOR INSERT WITH CHECK (tenant_id = public.get_current_tenant_id());
CREATE POLICY cost_events_update ON public.cost_events FOR UPDATE USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY cost_events_delete ON public.cost_events FOR DELETE USING (tenant_id = public.get_current_tenant_id());
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.cost_events TO platform_app;

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

ALTER TABLE public.cost_summaries ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.cost_summaries FORCE ROW LEVEL SECURITY;
CREATE POLICY cost_summaries_select ON public.cost_summaries FOR SELECT USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY cost_summaries_insert ON public.cost_summaries FOR INSERT WITH CHECK (tenant_id = public.get_current_tenant_id());
CREATE POLICY cost_summaries_update ON public.cost_summaries FOR UPDATE USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY cost_summaries_delete ON public.cost_summaries FOR DELETE USING (tenant_id = public.get_current_tenant_id());
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.cost_summaries TO platform_app;

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

ALTER TABLE public.budget_alerts ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.budget_alerts FORCE ROW LEVEL SECURITY;
CREATE POLICY budget_alerts_select ON public.budget_alerts FOR SELECT USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY budget_alerts_insert ON public.budget_alerts FOR INSERT WITH CHECK (tenant_id = public.get_current_tenant_id());
CREATE POLICY budget_alerts_update ON public.budget_alerts FOR UPDATE USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY budget_alerts_delete ON public.budget_alerts FOR DELETE USING (tenant_id = public.get_current_tenant_id());
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.budget_alerts TO platform_app;
