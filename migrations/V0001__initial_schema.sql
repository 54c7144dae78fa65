-- Intent: the 10 enumerations, 16 tables, their indexes, foreign keys, triggers, row-level security with 28 policies,
--   the privileges of the application role on exactly these tables, and the way into a tenant's context.
-- Locks: new objects only; ShareRowExclusive on tables made in this same file where a foreign key points at them.
-- Undo: V0001__initial_schema.down.sql drops it all, rows included.
-- Names: primary keys as PostgreSQL names them (tenants_pkey), unique constraints <table>_<column>_unique and foreign
--   keys <table>_<column>_<referenced table>_<referenced column>_fk as drizzle-kit names them, indexes as EduSphere does.

-- Tables that exist before this one (a migration history, say) got the application role's default privileges.
-- They are none of its business.
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM edusphere_app;

-- Shared by every table: the ten enumerations, the two trigger functions, and the one way into a tenant's context.

CREATE TYPE public.user_role AS ENUM ('super_admin', 'org_admin', 'instructor', 'student', 'researcher');
CREATE TYPE public.media_type AS ENUM ('video', 'audio', 'pdf', 'image', 'document');
CREATE TYPE public.transcription_status AS ENUM ('pending', 'processing', 'completed', 'failed');
CREATE TYPE public.annotation_type AS ENUM ('text', 'sketch', 'link', 'bookmark', 'spatial_comment');
CREATE TYPE public.annotation_layer AS ENUM ('personal', 'shared', 'instructor', 'ai_generated');
CREATE TYPE public.agent_template AS ENUM ('chavruta', 'summarizer', 'quiz_master', 'research_scout', 'explainer', 'custom');
-- No column has the next two types: their values appear inside agent_definitions.config.
CREATE TYPE public.agent_trigger AS ENUM ('manual', 'on_annotation', 'on_new_content', 'scheduled');
CREATE TYPE public.agent_output_format AS ENUM ('chat', 'overlay', 'side_panel', 'notification');
CREATE TYPE public.execution_status AS ENUM ('queued', 'running', 'completed', 'failed', 'cancelled');
CREATE TYPE public.tenant_plan AS ENUM ('free', 'starter', 'professional', 'enterprise');

-- A value given in the UPDATE wins; otherwise the time of the transaction is written.
-- (Giving the old value again cannot be told from giving none, and is refreshed too.)
CREATE FUNCTION public.set_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = ''
AS $function$
BEGIN
    IF NEW.updated_at IS NOT DISTINCT FROM OLD.updated_at THEN
        NEW.updated_at := now();
    END IF;
    RETURN NEW;
END
$function$;

CREATE FUNCTION public.set_last_seen_at() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = ''
AS $function$
BEGIN
    IF NEW.last_seen_at IS NOT DISTINCT FROM OLD.last_seen_at THEN
        NEW.last_seen_at := now();
    END IF;
    RETURN NEW;
END
$function$;

-- Enters a tenant's context: both settings, then the application role, all three for the running transaction only.
-- Call it as the first statement of a transaction, as the login role. COMMIT and ROLLBACK undo it, so a transaction
-- pooler may hand the connection on. Outside a transaction it has no effect on the next statement, which then runs as
-- the login role and is refused everything.
-- It has no SET clause on purpose: a function with one restores, when it returns, what it has set with is_local.
-- Every name inside is therefore written with its schema. SECURITY INVOKER: the caller must itself be allowed to
-- become edusphere_app. The application role cannot call it, so the tenant is not changed half-way by this door.
CREATE FUNCTION public.run_as_tenant(p_tenant_id uuid, p_user_id uuid) RETURNS void
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
AS $function$
BEGIN
    IF p_tenant_id IS NULL THEN
        RAISE EXCEPTION 'run_as_tenant needs a tenant'
            USING ERRCODE = 'null_value_not_allowed',
                  HINT = 'Pass the id of the tenant that the request belongs to.';
    END IF;
    PERFORM pg_catalog.set_config('app.current_tenant', p_tenant_id::pg_catalog.text, true);
    -- No user: the own-row policies then admit nothing, the tenant-wide ones work.
    PERFORM pg_catalog.set_config('app.current_user', COALESCE(p_user_id::pg_catalog.text, ''), true);
    PERFORM pg_catalog.set_config('role', 'edusphere_app', true);
END
$function$;

COMMENT ON FUNCTION public.run_as_tenant(uuid, uuid) IS
    'Enters a tenant''s context for the running transaction: settings app.current_tenant and app.current_user, then role edusphere_app.';

REVOKE ALL ON FUNCTION public.set_updated_at() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.set_last_seen_at() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.run_as_tenant(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.run_as_tenant(uuid, uuid) TO edusphere_login;

-- One row is one organization. The table has no tenant_id: its own id is the tenant.
CREATE TABLE public.tenants (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name varchar(255) NOT NULL,
    slug varchar(100) NOT NULL CONSTRAINT tenants_slug_unique UNIQUE,
    plan public.tenant_plan NOT NULL DEFAULT 'free',
    is_active boolean NOT NULL DEFAULT true,
    max_users integer NOT NULL DEFAULT 50,
    settings jsonb DEFAULT '{}',
    keycloak_org_id varchar(255) CONSTRAINT tenants_keycloak_org_id_unique UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

COMMENT ON COLUMN public.tenants.settings IS
    'defaultLanguage?, allowedLlmProviders?: text[], maxStorageGb?, customOntologyFields?: {name, type}[], brandingColors?: {primary, secondary}';

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.tenants
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

ALTER TABLE public.tenants ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.tenants FROM PUBLIC, edusphere_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.tenants TO edusphere_app;

-- No policy for INSERT and DELETE: both are denied to the application role. Tenants are made and removed by the owner.
CREATE POLICY tenants_select_own ON public.tenants
    FOR SELECT TO edusphere_app
    USING (id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
CREATE POLICY tenants_update_own ON public.tenants
    FOR UPDATE TO edusphere_app
    USING (id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);

-- One row is one person of one tenant, synchronized from Keycloak. email is not unique; keycloak_user_id is, globally.
CREATE TABLE public.users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT users_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE RESTRICT,
    keycloak_user_id varchar(255) NOT NULL CONSTRAINT users_keycloak_user_id_unique UNIQUE,
    email varchar(320) NOT NULL,
    display_name varchar(255) NOT NULL,
    avatar_url varchar(2048),
    role public.user_role NOT NULL DEFAULT 'student',
    is_active boolean NOT NULL DEFAULT true,
    preferences jsonb DEFAULT '{}',
    offline_sync_token varchar(500),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

COMMENT ON COLUMN public.users.preferences IS
    'language?, theme?: light|dark|system, defaultAnnotationLayer?, notificationsEnabled?, agentDefaults?: {difficulty?, personality?}';

CREATE INDEX idx_users_tenant ON public.users (tenant_id);
CREATE INDEX idx_users_email ON public.users (email);
-- Doubles the index of users_keycloak_user_id_unique; EduSphere lists it, so it stays.
CREATE INDEX idx_users_keycloak ON public.users (keycloak_user_id);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.users
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.users FROM PUBLIC, edusphere_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.users TO edusphere_app;

-- No policy for DELETE: users are soft-deleted through deleted_at.
CREATE POLICY users_select_same_tenant ON public.users
    FOR SELECT TO edusphere_app
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
CREATE POLICY users_insert_same_tenant ON public.users
    FOR INSERT TO edusphere_app
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
CREATE POLICY users_update_same_tenant ON public.users
    FOR UPDATE TO edusphere_app
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);

-- One row is one course of a tenant; forked_from_id names the course it was copied from.
CREATE TABLE public.courses (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT courses_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE RESTRICT,
    creator_id uuid CONSTRAINT courses_creator_id_users_id_fk REFERENCES public.users (id) ON DELETE SET NULL,
    title varchar(500) NOT NULL,
    description text,
    syllabus_json jsonb DEFAULT '[]',
    version integer NOT NULL DEFAULT 1,
    is_published boolean NOT NULL DEFAULT false,
    forked_from_id uuid CONSTRAINT courses_forked_from_id_courses_id_fk REFERENCES public.courses (id) ON DELETE SET NULL,
    tags jsonb DEFAULT '[]',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

COMMENT ON COLUMN public.courses.syllabus_json IS
    'array of {title, description?, moduleIds?: uuid[], order}';

CREATE INDEX idx_courses_tenant ON public.courses (tenant_id);
CREATE INDEX idx_courses_creator ON public.courses (creator_id);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.courses
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

ALTER TABLE public.courses ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.courses FROM PUBLIC, edusphere_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.courses TO edusphere_app;

CREATE POLICY courses_select_same_tenant ON public.courses
    FOR SELECT TO edusphere_app
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
CREATE POLICY courses_insert_same_tenant ON public.courses
    FOR INSERT TO edusphere_app
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
CREATE POLICY courses_update_same_tenant ON public.courses
    FOR UPDATE TO edusphere_app
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
CREATE POLICY courses_delete_same_tenant ON public.courses
    FOR DELETE TO edusphere_app
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);

-- One row is one part of a course; order_index sorts the parts.
CREATE TABLE public.modules (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT modules_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE RESTRICT,
    course_id uuid NOT NULL CONSTRAINT modules_course_id_courses_id_fk REFERENCES public.courses (id) ON DELETE CASCADE,
    title varchar(500) NOT NULL,
    description text,
    order_index integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idx_modules_tenant ON public.modules (tenant_id);
CREATE INDEX idx_modules_course ON public.modules (course_id);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.modules
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

ALTER TABLE public.modules ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.modules FROM PUBLIC, edusphere_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.modules TO edusphere_app;

CREATE POLICY modules_tenant_isolation ON public.modules
    FOR ALL TO edusphere_app
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);

-- One row is one file: a video, a recording, a PDF, an image, a document. file_size_bytes ends at 2 147 483 647.
CREATE TABLE public.media_assets (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT media_assets_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE RESTRICT,
    uploader_id uuid CONSTRAINT media_assets_uploader_id_users_id_fk REFERENCES public.users (id) ON DELETE SET NULL,
    module_id uuid CONSTRAINT media_assets_module_id_modules_id_fk REFERENCES public.modules (id) ON DELETE SET NULL,
    type public.media_type NOT NULL,
    title varchar(500) NOT NULL,
    description text,
    s3_path varchar(2048) NOT NULL,
    s3_bucket varchar(255) NOT NULL,
    original_filename varchar(500),
    mime_type varchar(255),
    file_size_bytes integer,
    duration_seconds real,
    transcription_status public.transcription_status DEFAULT 'pending',
    hls_manifest_path varchar(2048),
    thumbnail_path varchar(2048),
    metadata jsonb DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

COMMENT ON COLUMN public.media_assets.metadata IS
    'width?, height?, codec?, bitrate?, language?, processingJobId?';

CREATE INDEX idx_media_tenant ON public.media_assets (tenant_id);
CREATE INDEX idx_media_module ON public.media_assets (module_id);
CREATE INDEX idx_media_type ON public.media_assets (type);
CREATE INDEX idx_media_transcription_status ON public.media_assets (transcription_status);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.media_assets
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

ALTER TABLE public.media_assets ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.media_assets FROM PUBLIC, edusphere_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.media_assets TO edusphere_app;

CREATE POLICY media_tenant_isolation ON public.media_assets
    FOR ALL TO edusphere_app
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);

-- One row is one transcription of a media asset; confidence is the average, 0 to 1.
CREATE TABLE public.transcripts (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT transcripts_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE RESTRICT,
    asset_id uuid NOT NULL CONSTRAINT transcripts_asset_id_media_assets_id_fk REFERENCES public.media_assets (id) ON DELETE CASCADE,
    full_text text NOT NULL,
    language varchar(10) NOT NULL DEFAULT 'he',
    model_used varchar(100),
    confidence real,
    word_count integer,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idx_transcripts_tenant ON public.transcripts (tenant_id);
CREATE INDEX idx_transcripts_asset ON public.transcripts (asset_id);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.transcripts
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

ALTER TABLE public.transcripts ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.transcripts FROM PUBLIC, edusphere_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.transcripts TO edusphere_app;

CREATE POLICY transcripts_tenant_isolation ON public.transcripts
    FOR ALL TO edusphere_app
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);

-- One row is one time-aligned piece of a transcript; start_time and end_time are seconds from the beginning.
CREATE TABLE public.transcript_segments (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT transcript_segments_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE RESTRICT,
    transcript_id uuid NOT NULL CONSTRAINT transcript_segments_transcript_id_transcripts_id_fk REFERENCES public.transcripts (id) ON DELETE CASCADE,
    asset_id uuid NOT NULL CONSTRAINT transcript_segments_asset_id_media_assets_id_fk REFERENCES public.media_assets (id) ON DELETE CASCADE,
    start_time real NOT NULL,
    end_time real NOT NULL,
    text text NOT NULL,
    speaker varchar(255),
    confidence real,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idx_segments_tenant ON public.transcript_segments (tenant_id);
CREATE INDEX idx_segments_transcript ON public.transcript_segments (transcript_id);
CREATE INDEX idx_segments_asset ON public.transcript_segments (asset_id);
CREATE INDEX idx_segments_time_range ON public.transcript_segments (asset_id, start_time, end_time);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.transcript_segments
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

ALTER TABLE public.transcript_segments ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.transcript_segments FROM PUBLIC, edusphere_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.transcript_segments TO edusphere_app;

CREATE POLICY segments_tenant_isolation ON public.transcript_segments
    FOR ALL TO edusphere_app
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);

-- One row is one mark that a person or an agent made on an asset: a note, a sketch, a link, a bookmark, a comment.
-- Anchors: timestamp_* in seconds, spatial_* from 0 to 1, page_number and text_range_* for PDF. parent_id makes replies.
-- agent_id has no foreign key: EduSphere prints none.
CREATE TABLE public.annotations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT annotations_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE RESTRICT,
    user_id uuid NOT NULL CONSTRAINT annotations_user_id_users_id_fk REFERENCES public.users (id) ON DELETE CASCADE,
    asset_id uuid NOT NULL CONSTRAINT annotations_asset_id_media_assets_id_fk REFERENCES public.media_assets (id) ON DELETE CASCADE,
    type public.annotation_type NOT NULL,
    layer public.annotation_layer NOT NULL DEFAULT 'personal',
    content text,
    sketch_data jsonb,
    timestamp_start real,
    timestamp_end real,
    spatial_x real,
    spatial_y real,
    page_number integer,
    text_range_start integer,
    text_range_end integer,
    parent_id uuid CONSTRAINT annotations_parent_id_annotations_id_fk REFERENCES public.annotations (id) ON DELETE CASCADE,
    agent_id uuid,
    metadata jsonb DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

COMMENT ON COLUMN public.annotations.sketch_data IS
    'stage: Konva.js export, canvasWidth, canvasHeight, frameTimestamp?: seconds';
COMMENT ON COLUMN public.annotations.metadata IS
    'color?, pinned?, resolvedAt?, linkedConceptIds?: uuid[], aiConfidence?';

CREATE INDEX idx_annotations_tenant ON public.annotations (tenant_id);
CREATE INDEX idx_annotations_user ON public.annotations (user_id);
CREATE INDEX idx_annotations_asset ON public.annotations (asset_id);
CREATE INDEX idx_annotations_asset_time ON public.annotations (asset_id, timestamp_start);
CREATE INDEX idx_annotations_layer ON public.annotations (layer);
CREATE INDEX idx_annotations_parent ON public.annotations (parent_id);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.annotations
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

ALTER TABLE public.annotations ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.annotations FROM PUBLIC, edusphere_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.annotations TO edusphere_app;

-- Everyone of the tenant reads and adds; only the author changes and deletes.
CREATE POLICY annotations_select_tenant ON public.annotations
    FOR SELECT TO edusphere_app
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
CREATE POLICY annotations_insert_tenant ON public.annotations
    FOR INSERT TO edusphere_app
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
CREATE POLICY annotations_update_own ON public.annotations
    FOR UPDATE TO edusphere_app
    USING (
        tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid
        AND user_id = NULLIF(current_setting('app.current_user', true), '')::uuid
    )
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
CREATE POLICY annotations_delete_own ON public.annotations
    FOR DELETE TO edusphere_app
    USING (
        tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid
        AND user_id = NULLIF(current_setting('app.current_user', true), '')::uuid
    );

-- One row is one Yjs document; document_name is unique within the tenant. state_vector is the compacted snapshot,
-- pending_updates counts the updates since. (entity_type, entity_id) points at any kind of row, without foreign key.
CREATE TABLE public.collab_documents (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT collab_documents_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE RESTRICT,
    document_name varchar(500) NOT NULL,
    state_vector bytea,
    pending_updates integer NOT NULL DEFAULT 0,
    title varchar(500),
    entity_type varchar(100),
    entity_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idx_collab_docs_tenant ON public.collab_documents (tenant_id);
CREATE UNIQUE INDEX idx_collab_docs_name ON public.collab_documents (tenant_id, document_name);
CREATE INDEX idx_collab_docs_entity ON public.collab_documents (entity_type, entity_id);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.collab_documents
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

ALTER TABLE public.collab_documents ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.collab_documents FROM PUBLIC, edusphere_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.collab_documents TO edusphere_app;

CREATE POLICY collab_docs_tenant_isolation ON public.collab_documents
    FOR ALL TO edusphere_app
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);

-- One row is one incremental Yjs update; seq orders the updates of a document. Append-only by intent.
CREATE TABLE public.crdt_updates (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT crdt_updates_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE RESTRICT,
    document_id uuid NOT NULL CONSTRAINT crdt_updates_document_id_collab_documents_id_fk REFERENCES public.collab_documents (id) ON DELETE CASCADE,
    update bytea NOT NULL,
    seq integer NOT NULL,
    user_id uuid CONSTRAINT crdt_updates_user_id_users_id_fk REFERENCES public.users (id) ON DELETE SET NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- Every policy filters on the tenant, so the tenant leads an index.
CREATE INDEX idx_crdt_updates_tenant ON public.crdt_updates (tenant_id);
CREATE INDEX idx_crdt_updates_doc ON public.crdt_updates (document_id);
CREATE INDEX idx_crdt_updates_doc_seq ON public.crdt_updates (document_id, seq);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.crdt_updates
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

ALTER TABLE public.crdt_updates ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.crdt_updates FROM PUBLIC, edusphere_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.crdt_updates TO edusphere_app;

CREATE POLICY crdt_updates_tenant_isolation ON public.crdt_updates
    FOR ALL TO edusphere_app
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);

-- One row is one open editing session. Ephemeral.
CREATE TABLE public.collab_sessions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT collab_sessions_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE RESTRICT,
    document_id uuid NOT NULL CONSTRAINT collab_sessions_document_id_collab_documents_id_fk REFERENCES public.collab_documents (id) ON DELETE CASCADE,
    user_id uuid NOT NULL CONSTRAINT collab_sessions_user_id_users_id_fk REFERENCES public.users (id) ON DELETE CASCADE,
    cursor_position jsonb,
    connected_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON COLUMN public.collab_sessions.cursor_position IS
    'x?, y?, timestamp?: seconds, pageNumber?, userName?, color?';

CREATE INDEX idx_collab_sessions_tenant ON public.collab_sessions (tenant_id);
CREATE INDEX idx_collab_sessions_doc ON public.collab_sessions (document_id);

CREATE TRIGGER set_last_seen_at BEFORE UPDATE ON public.collab_sessions
    FOR EACH ROW EXECUTE FUNCTION public.set_last_seen_at();

ALTER TABLE public.collab_sessions ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.collab_sessions FROM PUBLIC, edusphere_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.collab_sessions TO edusphere_app;

CREATE POLICY collab_sessions_tenant_isolation ON public.collab_sessions
    FOR ALL TO edusphere_app
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);

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

-- The vector indexes of these three tables are declared in spec/vectors.toml.

-- One row is one embedded piece of an asset; chunk_index counts the pieces where a text was split.
CREATE TABLE public.content_embeddings (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT content_embeddings_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE RESTRICT,
    segment_id uuid CONSTRAINT content_embeddings_segment_id_transcript_segments_id_fk REFERENCES public.transcript_segments (id) ON DELETE CASCADE,
    asset_id uuid NOT NULL CONSTRAINT content_embeddings_asset_id_media_assets_id_fk REFERENCES public.media_assets (id) ON DELETE CASCADE,
    source_text text NOT NULL,
    embedding public.vector(768) NOT NULL,
    model_name varchar(100) NOT NULL,
    chunk_index integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idx_content_emb_tenant ON public.content_embeddings (tenant_id);
CREATE INDEX idx_content_emb_asset ON public.content_embeddings (asset_id);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.content_embeddings
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

ALTER TABLE public.content_embeddings ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.content_embeddings FROM PUBLIC, edusphere_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.content_embeddings TO edusphere_app;

CREATE POLICY content_embeddings_tenant_isolation ON public.content_embeddings
    FOR ALL TO edusphere_app
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);

-- One row is one embedded annotation.
CREATE TABLE public.annotation_embeddings (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT annotation_embeddings_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE RESTRICT,
    annotation_id uuid NOT NULL CONSTRAINT annotation_embeddings_annotation_id_annotations_id_fk REFERENCES public.annotations (id) ON DELETE CASCADE,
    source_text text NOT NULL,
    embedding public.vector(768) NOT NULL,
    model_name varchar(100) NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idx_annotation_emb_tenant ON public.annotation_embeddings (tenant_id);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.annotation_embeddings
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

ALTER TABLE public.annotation_embeddings ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.annotation_embeddings FROM PUBLIC, edusphere_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.annotation_embeddings TO edusphere_app;

CREATE POLICY annotation_embeddings_tenant_isolation ON public.annotation_embeddings
    FOR ALL TO edusphere_app
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);

-- One row is one embedded concept: label, description and aliases. concept_id is the property "id" of a Concept vertex,
-- which no foreign key can reach; edu looks for rows without a vertex.
CREATE TABLE public.concept_embeddings (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT concept_embeddings_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE RESTRICT,
    concept_id uuid NOT NULL,
    source_text text NOT NULL,
    embedding public.vector(768) NOT NULL,
    model_name varchar(100) NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idx_concept_emb_tenant ON public.concept_embeddings (tenant_id);
CREATE INDEX idx_concept_emb_concept ON public.concept_embeddings (concept_id);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.concept_embeddings
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

ALTER TABLE public.concept_embeddings ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.concept_embeddings FROM PUBLIC, edusphere_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.concept_embeddings TO edusphere_app;

CREATE POLICY concept_embeddings_tenant_isolation ON public.concept_embeddings
    FOR ALL TO edusphere_app
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
