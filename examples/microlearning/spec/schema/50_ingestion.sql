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
