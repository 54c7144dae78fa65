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
