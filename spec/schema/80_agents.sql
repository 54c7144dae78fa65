-- One row is one agent, built in or made by a user. last_executed_at is NULL until it has run.
CREATE TABLE public.agent_definitions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT agent_definitions_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE RESTRICT,
    creator_id uuid NOT NULL CONSTRAINT agent_definitions_creator_id_users_id_fk REFERENCES public.users (id) ON DELETE CASCADE,
    name varchar(255) NOT NULL,
    description text,
    template_type public.agent_template NOT NULL,
    is_built_in boolean NOT NULL DEFAULT false,
    is_public boolean NOT NULL DEFAULT false,
    config jsonb NOT NULL,
    execution_count integer NOT NULL DEFAULT 0,
    avg_execution_ms real,
    last_executed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

COMMENT ON COLUMN public.agent_definitions.config IS
    'dataScope: MY_NOTES|COURSE|ORGANIZATION|CUSTOM_QUERY, customQuery?: Cypher, triggerType: agent_trigger, outputFormat: agent_output_format, personality?, difficulty?: BEGINNER|INTERMEDIATE|ADVANCED, modelOverride?, maxTokens?, temperature?, systemPrompt?, toolsEnabled?: text[]';

CREATE INDEX idx_agent_defs_tenant ON public.agent_definitions (tenant_id);
CREATE INDEX idx_agent_defs_creator ON public.agent_definitions (creator_id);
CREATE INDEX idx_agent_defs_template ON public.agent_definitions (template_type);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.agent_definitions
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

ALTER TABLE public.agent_definitions ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.agent_definitions FROM PUBLIC, edusphere_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.agent_definitions TO edusphere_app;

-- Everyone of the tenant reads and adds; only the creator changes and deletes.
CREATE POLICY agent_defs_select_tenant ON public.agent_definitions
    FOR SELECT TO edusphere_app
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
CREATE POLICY agent_defs_insert_tenant ON public.agent_definitions
    FOR INSERT TO edusphere_app
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
CREATE POLICY agent_defs_update_own ON public.agent_definitions
    FOR UPDATE TO edusphere_app
    USING (
        tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid
        AND creator_id = NULLIF(current_setting('app.current_user', true), '')::uuid
    )
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
CREATE POLICY agent_defs_delete_own ON public.agent_definitions
    FOR DELETE TO edusphere_app
    USING (
        tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid
        AND creator_id = NULLIF(current_setting('app.current_user', true), '')::uuid
    );

-- One row is one run of an agent.
CREATE TABLE public.agent_executions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT agent_executions_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE RESTRICT,
    agent_id uuid NOT NULL CONSTRAINT agent_executions_agent_id_agent_definitions_id_fk REFERENCES public.agent_definitions (id) ON DELETE CASCADE,
    user_id uuid NOT NULL CONSTRAINT agent_executions_user_id_users_id_fk REFERENCES public.users (id) ON DELETE CASCADE,
    status public.execution_status NOT NULL DEFAULT 'queued',
    input jsonb NOT NULL,
    output jsonb,
    reasoning text,
    error_message text,
    tokens_used integer,
    execution_ms integer,
    model_used varchar(100),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idx_agent_execs_tenant ON public.agent_executions (tenant_id);
CREATE INDEX idx_agent_execs_agent ON public.agent_executions (agent_id);
CREATE INDEX idx_agent_execs_user ON public.agent_executions (user_id);
CREATE INDEX idx_agent_execs_status ON public.agent_executions (status);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.agent_executions
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

ALTER TABLE public.agent_executions ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.agent_executions FROM PUBLIC, edusphere_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.agent_executions TO edusphere_app;

CREATE POLICY agent_execs_tenant_isolation ON public.agent_executions
    FOR ALL TO edusphere_app
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
