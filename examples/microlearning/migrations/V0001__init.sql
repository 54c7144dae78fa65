-- Intent: the 17 tables with their foreign keys, the 44 indexes of the models and the 6 written by hand, the trigger
--   that refreshes updated_at, and the privileges of the application role. The ivfflat index is no part of it: built
--   on an empty table it finds next to nothing, so it comes after the first load (spec/vectors.toml).
-- Locks: new objects only; ShareRowExclusive on tables made in this same file where a foreign key points at them.
-- Undo: V0001__init.down.sql drops it all, rows included.
-- Names: as Prisma gives them: <table>_pkey, <table>_<columns>_key, <table>_<column>_fkey, <table>_<columns>_idx.

-- Shared by the ten tables with updated_at: Prisma's @updatedAt sets it in the client, and nothing else would.

-- A value given in the UPDATE wins; otherwise the time of the transaction is written.
CREATE FUNCTION public.set_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = ''
AS $function$
BEGIN
    IF NEW.updated_at IS NOT DISTINCT FROM OLD.updated_at THEN
        NEW.updated_at := CURRENT_TIMESTAMP;
    END IF;
    RETURN NEW;
END
$function$;

REVOKE ALL ON FUNCTION public.set_updated_at() FROM PUBLIC;

-- Organizations, their users, and what a user is as a learner.

CREATE TABLE public.organizations (
    id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    name text NOT NULL,
    settings jsonb,
    created_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.organizations
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.organizations TO lms_app;

CREATE TABLE public.users (
    id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    email text NOT NULL UNIQUE,
    password_hash text,
    name text NOT NULL,
    role text NOT NULL,
    organization_id text NOT NULL REFERENCES public.organizations (id) ON UPDATE CASCADE ON DELETE CASCADE,
    created_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

COMMENT ON COLUMN public.users.role IS
    'admin, instructor or learner';

CREATE INDEX users_email_idx ON public.users (email);
CREATE INDEX users_organization_id_idx ON public.users (organization_id);
CREATE INDEX users_role_idx ON public.users (role);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.users
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.users TO lms_app;

CREATE TABLE public.learners (
    id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    user_id text NOT NULL REFERENCES public.users (id) ON UPDATE CASCADE ON DELETE CASCADE UNIQUE,
    organization_id text NOT NULL REFERENCES public.organizations (id) ON UPDATE CASCADE ON DELETE CASCADE,
    profile jsonb NOT NULL,
    mastery_map jsonb NOT NULL DEFAULT '{}',
    knowledge_gaps text[] DEFAULT ARRAY[]::text[],
    preferences jsonb NOT NULL DEFAULT '{}',
    created_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

COMMENT ON COLUMN public.learners.profile IS
    '{interests: text[], goals: text, learningStyle: visual | auditory | kinesthetic | reading, preferredDifficulty: beginner | intermediate | advanced}';
COMMENT ON COLUMN public.learners.mastery_map IS
    '{concept: 0 to 100}';
COMMENT ON COLUMN public.learners.preferences IS
    '{voice, mode: text | voice}';

CREATE INDEX learners_organization_id_idx ON public.learners (organization_id);
CREATE INDEX learners_user_id_idx ON public.learners (user_id);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.learners
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.learners TO lms_app;

-- What is learned: nuggets, and the nodes of a story that lead from one to the next.

CREATE TABLE public.nuggets (
    id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    organization_id text NOT NULL REFERENCES public.organizations (id) ON UPDATE CASCADE ON DELETE CASCADE,
    content text NOT NULL,
    embedding public.vector(1536),
    metadata jsonb NOT NULL DEFAULT '{}',
    image_url text,
    audio_url text,
    status text NOT NULL DEFAULT 'pending',
    created_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

COMMENT ON COLUMN public.nuggets.metadata IS
    '{topics: text[], difficulty: 1 to 10, prerequisites: text[], estimatedTime: minutes, relatedConcepts: text[]}';
COMMENT ON COLUMN public.nuggets.status IS
    'pending, processing, ready or failed';

CREATE INDEX nuggets_organization_id_idx ON public.nuggets (organization_id);
CREATE INDEX nuggets_status_idx ON public.nuggets (status);
CREATE INDEX nuggets_created_at_idx ON public.nuggets (created_at);
CREATE INDEX nuggets_content_fts_idx ON public.nuggets USING gin (to_tsvector('english'::regconfig, content));
CREATE INDEX nuggets_ready_idx ON public.nuggets (organization_id, created_at) WHERE status = 'ready';

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.nuggets
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.nuggets TO lms_app;

CREATE TABLE public.narrative_nodes (
    id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    nugget_id text NOT NULL REFERENCES public.nuggets (id) ON UPDATE CASCADE ON DELETE CASCADE,
    organization_id text NOT NULL REFERENCES public.organizations (id) ON UPDATE CASCADE ON DELETE CASCADE,
    choices jsonb NOT NULL DEFAULT '[]',
    prerequisites text[] DEFAULT ARRAY[]::text[],
    adapts_to text[] DEFAULT ARRAY[]::text[],
    position jsonb,
    created_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

COMMENT ON COLUMN public.narrative_nodes.choices IS
    '[{id, text, nextNodeId: id or null, revealsGap: text[], confirmsMastery: text[]}]';
COMMENT ON COLUMN public.narrative_nodes.adapts_to IS
    'the knowledge gaps that it closes';
COMMENT ON COLUMN public.narrative_nodes.position IS
    '{x, y}, for drawing';

CREATE INDEX narrative_nodes_nugget_id_idx ON public.narrative_nodes (nugget_id);
CREATE INDEX narrative_nodes_organization_id_idx ON public.narrative_nodes (organization_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.narrative_nodes TO lms_app;

-- Who learns what when: sessions, the nodes visited in them, what was said, and how far a learner is.

CREATE TABLE public.sessions (
    id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    learner_id text NOT NULL REFERENCES public.learners (id) ON UPDATE CASCADE ON DELETE CASCADE,
    organization_id text NOT NULL REFERENCES public.organizations (id) ON UPDATE CASCADE ON DELETE CASCADE,
    current_node_id text REFERENCES public.narrative_nodes (id) ON UPDATE CASCADE ON DELETE SET NULL,
    path_history jsonb NOT NULL DEFAULT '[]',
    mode text NOT NULL DEFAULT 'text',
    started_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    last_activity timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    completed_at timestamp(3)
);

COMMENT ON COLUMN public.sessions.path_history IS
    'the ids of the nodes visited, in order';
COMMENT ON COLUMN public.sessions.mode IS
    'text or voice';

CREATE INDEX sessions_learner_id_idx ON public.sessions (learner_id);
CREATE INDEX sessions_organization_id_idx ON public.sessions (organization_id);
CREATE INDEX sessions_current_node_id_idx ON public.sessions (current_node_id);
CREATE INDEX sessions_started_at_idx ON public.sessions (started_at);
CREATE INDEX sessions_last_activity_idx ON public.sessions (last_activity);
CREATE INDEX sessions_learner_activity_idx ON public.sessions (learner_id, last_activity DESC);

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.sessions TO lms_app;

CREATE TABLE public.session_nodes (
    id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    session_id text NOT NULL REFERENCES public.sessions (id) ON UPDATE CASCADE ON DELETE CASCADE,
    node_id text NOT NULL REFERENCES public.narrative_nodes (id) ON UPDATE CASCADE ON DELETE CASCADE,
    choice_id text,
    visited_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    time_spent integer
);

COMMENT ON COLUMN public.session_nodes.time_spent IS
    'seconds';

CREATE INDEX session_nodes_session_id_idx ON public.session_nodes (session_id);
CREATE INDEX session_nodes_node_id_idx ON public.session_nodes (node_id);
CREATE INDEX session_nodes_visited_at_idx ON public.session_nodes (visited_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.session_nodes TO lms_app;

CREATE TABLE public.messages (
    id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    session_id text NOT NULL REFERENCES public.sessions (id) ON UPDATE CASCADE ON DELETE CASCADE,
    role text NOT NULL,
    content text NOT NULL,
    tool_calls jsonb,
    tool_results jsonb,
    created_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

COMMENT ON COLUMN public.messages.role IS
    'user, assistant or system';

CREATE INDEX messages_session_id_idx ON public.messages (session_id);
CREATE INDEX messages_created_at_idx ON public.messages (created_at);
CREATE INDEX messages_role_idx ON public.messages (role);
CREATE INDEX messages_session_created_idx ON public.messages (session_id, created_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.messages TO lms_app;

CREATE TABLE public.progress (
    id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    learner_id text NOT NULL REFERENCES public.learners (id) ON UPDATE CASCADE ON DELETE CASCADE,
    concept text NOT NULL,
    mastery_level integer NOT NULL,
    evidence text,
    updated_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    UNIQUE (learner_id, concept)
);

COMMENT ON COLUMN public.progress.mastery_level IS
    '0 to 100';

CREATE INDEX progress_learner_id_idx ON public.progress (learner_id);
CREATE INDEX progress_concept_idx ON public.progress (concept);
CREATE INDEX progress_mastery_level_idx ON public.progress (mastery_level);
CREATE INDEX progress_learner_concept_idx ON public.progress (learner_id, concept);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.progress
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.progress TO lms_app;

-- Where content comes from.

CREATE TABLE public.watched_folders (
    id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    organization_id text NOT NULL REFERENCES public.organizations (id) ON UPDATE CASCADE ON DELETE CASCADE,
    path text NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    file_types text[] DEFAULT ARRAY['pdf', 'docx', 'txt'],
    recursive boolean NOT NULL DEFAULT true,
    auto_process boolean NOT NULL DEFAULT true,
    created_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE INDEX watched_folders_organization_id_idx ON public.watched_folders (organization_id);
CREATE INDEX watched_folders_enabled_idx ON public.watched_folders (enabled);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.watched_folders
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.watched_folders TO lms_app;

CREATE TABLE public.monitored_urls (
    id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    organization_id text NOT NULL REFERENCES public.organizations (id) ON UPDATE CASCADE ON DELETE CASCADE,
    url text NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    check_interval integer NOT NULL DEFAULT 5,
    last_checked timestamp(3),
    last_modified timestamp(3),
    etag text,
    created_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

COMMENT ON COLUMN public.monitored_urls.check_interval IS
    'minutes';

CREATE INDEX monitored_urls_organization_id_idx ON public.monitored_urls (organization_id);
CREATE INDEX monitored_urls_enabled_idx ON public.monitored_urls (enabled);
CREATE INDEX monitored_urls_last_checked_idx ON public.monitored_urls (last_checked);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.monitored_urls
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.monitored_urls TO lms_app;

CREATE TABLE public.ingestion_jobs (
    id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    type text NOT NULL,
    source text NOT NULL,
    organization_id text NOT NULL REFERENCES public.organizations (id) ON UPDATE CASCADE ON DELETE CASCADE,
    status text NOT NULL DEFAULT 'pending',
    metadata jsonb DEFAULT '{}',
    nugget_count integer,
    error_message text,
    started_at timestamp(3),
    completed_at timestamp(3),
    created_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

COMMENT ON COLUMN public.ingestion_jobs.type IS
    'file or url';
COMMENT ON COLUMN public.ingestion_jobs.status IS
    'pending, processing, completed or failed';

CREATE INDEX ingestion_jobs_organization_id_idx ON public.ingestion_jobs (organization_id);
CREATE INDEX ingestion_jobs_status_idx ON public.ingestion_jobs (status);
CREATE INDEX ingestion_jobs_created_at_idx ON public.ingestion_jobs (created_at);
CREATE INDEX ingestion_jobs_type_idx ON public.ingestion_jobs (type);
CREATE INDEX ingestion_jobs_pending_idx ON public.ingestion_jobs (organization_id, created_at) WHERE status = 'pending';

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.ingestion_jobs TO lms_app;

CREATE TABLE public.nugget_sources (
    id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    nugget_id text NOT NULL REFERENCES public.nuggets (id) ON UPDATE CASCADE ON DELETE CASCADE,
    source_type text NOT NULL,
    source_path text NOT NULL,
    ingestion_job_id text REFERENCES public.ingestion_jobs (id) ON UPDATE CASCADE ON DELETE SET NULL,
    created_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

COMMENT ON COLUMN public.nugget_sources.source_type IS
    'file, url or manual';

CREATE INDEX nugget_sources_nugget_id_idx ON public.nugget_sources (nugget_id);
CREATE INDEX nugget_sources_ingestion_job_id_idx ON public.nugget_sources (ingestion_job_id);
CREATE INDEX nugget_sources_source_type_idx ON public.nugget_sources (source_type);

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.nugget_sources TO lms_app;

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

-- What happened, for reports. learner_id has no foreign key: an event outlives its learner.

CREATE TABLE public.analytics (
    id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    learner_id text,
    organization_id text NOT NULL REFERENCES public.organizations (id) ON UPDATE CASCADE ON DELETE CASCADE,
    event_type text NOT NULL,
    event_data jsonb NOT NULL DEFAULT '{}',
    timestamp timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

COMMENT ON COLUMN public.analytics.event_type IS
    'nugget_viewed, choice_made, question_answered, mastery_updated, ai_api_call, …; an open list';

CREATE INDEX analytics_learner_id_idx ON public.analytics (learner_id);
CREATE INDEX analytics_organization_id_idx ON public.analytics (organization_id);
CREATE INDEX analytics_event_type_idx ON public.analytics (event_type);
CREATE INDEX analytics_timestamp_idx ON public.analytics (timestamp);

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.analytics TO lms_app;
