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

ALTER TABLE public.ai_personalities ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.ai_personalities FORCE ROW LEVEL SECURITY;
CREATE POLICY ai_personalities_select ON public.ai_personalities FOR SELECT USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY ai_personalities_insert ON public.ai_personalities FOR INSERT WITH CHECK (tenant_id = public.get_current_tenant_id());
CREATE POLICY ai_personalities_update ON public.ai_personalities FOR UPDATE USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY ai_personalities_delete ON public.ai_personalities FOR DELETE USING (tenant_id = public.get_current_tenant_id());
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.ai_personalities TO platform_app;
