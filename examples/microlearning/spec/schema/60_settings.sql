-- Settings by scope: system, organization or learner. scope_id names the one it is for and has no foreign key, because
-- its table depends on the scope; at most one row for the system, whose scope_id is NULL.

-- A key is unique over all scopes.
CREATE TABLE public.system_settings (
    id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    key text NOT NULL UNIQUE,
    value jsonb NOT NULL,
    scope text,
    scope_id text,
    updated_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE INDEX system_settings_scope_scope_id_idx ON public.system_settings (scope, scope_id);
CREATE INDEX system_settings_key_idx ON public.system_settings (key);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.system_settings
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.system_settings TO lms_app;

CREATE TABLE public.voice_configs (
    id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    scope text NOT NULL,
    scope_id text,
    tts_provider text NOT NULL,
    tts_model text,
    tts_voice text,
    stt_provider text NOT NULL,
    stt_model text,
    quality_tier text NOT NULL,
    created_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    UNIQUE NULLS NOT DISTINCT (scope, scope_id)
);

COMMENT ON COLUMN public.voice_configs.tts_provider IS
    'openai-standard, openai-hd or elevenlabs';
COMMENT ON COLUMN public.voice_configs.stt_provider IS
    'openai-whisper or elevenlabs';
COMMENT ON COLUMN public.voice_configs.quality_tier IS
    'low, mid or high';

CREATE INDEX voice_configs_scope_scope_id_idx ON public.voice_configs (scope, scope_id);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.voice_configs
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.voice_configs TO lms_app;

CREATE TABLE public.ai_model_configs (
    id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    scope text NOT NULL,
    scope_id text,
    content_generation_model text NOT NULL DEFAULT 'gpt-5.1-mini',
    narrative_planning_model text NOT NULL DEFAULT 'gpt-5.1-mini',
    tutoring_model text NOT NULL DEFAULT 'gpt-5.1-mini',
    metadata_model text NOT NULL DEFAULT 'gpt-5.1-nano',
    embedding_model text NOT NULL DEFAULT 'text-embedding-3-small',
    content_generation_temp double precision DEFAULT 0.7,
    narrative_planning_temp double precision DEFAULT 0.8,
    tutoring_temp double precision DEFAULT 0.7,
    created_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    UNIQUE NULLS NOT DISTINCT (scope, scope_id)
);

CREATE INDEX ai_model_configs_scope_scope_id_idx ON public.ai_model_configs (scope, scope_id);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.ai_model_configs
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.ai_model_configs TO lms_app;
