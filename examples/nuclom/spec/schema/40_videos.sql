-- Channels and collections, then videos, which may be in one of each or in none. A channel, a collection or an author
-- that still has videos cannot be deleted; the organization can, with everything in it.

CREATE TABLE public.channels (
    id text PRIMARY KEY DEFAULT gen_random_uuid(),
    name text NOT NULL,
    description text,
    organization_id text NOT NULL REFERENCES public.organizations (id) ON DELETE CASCADE,
    member_count integer NOT NULL DEFAULT 0,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);

CREATE INDEX idx_channels_organization_id ON public.channels (organization_id);

-- Nuclom also calls them series.
CREATE TABLE public.collections (
    id text PRIMARY KEY DEFAULT gen_random_uuid(),
    name text NOT NULL,
    description text,
    organization_id text NOT NULL REFERENCES public.organizations (id) ON DELETE CASCADE,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);

CREATE INDEX idx_collections_organization_id ON public.collections (organization_id);

CREATE TABLE public.videos (
    id text PRIMARY KEY DEFAULT gen_random_uuid(),
    title text NOT NULL,
    description text,
    duration text NOT NULL,
    thumbnail_url text,
    video_url text,
    author_id text REFERENCES public.users (id),
    organization_id text NOT NULL REFERENCES public.organizations (id) ON DELETE CASCADE,
    channel_id text REFERENCES public.channels (id),
    collection_id text REFERENCES public.collections (id),
    transcript text,
    transcript_segments jsonb,
    processing_status public."ProcessingStatus" NOT NULL DEFAULT 'pending',
    processing_error text,
    ai_summary text,
    ai_tags jsonb,
    ai_action_items jsonb,
    search_vector tsvector GENERATED ALWAYS AS (
        to_tsvector('english'::regconfig, coalesce(title, '') || ' ' || coalesce(description, '') || ' ' || coalesce(transcript, ''))
    ) STORED,
    deleted_at timestamp,
    retention_until timestamp,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);

COMMENT ON COLUMN public.videos.deleted_at IS 'Soft deletion: set, the video is gone for its users.';
COMMENT ON COLUMN public.videos.retention_until IS 'The clean-up may delete the row after this time.';

CREATE INDEX idx_videos_organization_id ON public.videos (organization_id);
CREATE INDEX idx_videos_organization_channel ON public.videos (organization_id, channel_id);
CREATE INDEX idx_videos_author_id ON public.videos (author_id);
CREATE INDEX idx_videos_channel_id ON public.videos (channel_id);
CREATE INDEX idx_videos_collection_id ON public.videos (collection_id);
CREATE INDEX idx_videos_search_vector ON public.videos USING gin (search_vector);

-- "current_time" is a reserved word: unquoted in a query it is the clock, not this column.
CREATE TABLE public.video_progress (
    id text PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id text NOT NULL REFERENCES public.users (id) ON DELETE CASCADE,
    video_id text NOT NULL REFERENCES public.videos (id) ON DELETE CASCADE,
    "current_time" text NOT NULL,
    completed boolean NOT NULL DEFAULT false,
    last_watched_at timestamp NOT NULL DEFAULT now(),
    UNIQUE (user_id, video_id)
);

CREATE INDEX idx_video_progress_user_id ON public.video_progress (user_id);
CREATE INDEX idx_video_progress_video_id ON public.video_progress (video_id);
