-- Moments that were found in a video, clips cut from it, reels made of clips, and cards with a quote.

CREATE TABLE public.video_moments (
    id text PRIMARY KEY DEFAULT gen_random_uuid(),
    video_id text NOT NULL REFERENCES public.videos (id) ON DELETE CASCADE,
    organization_id text NOT NULL REFERENCES public.organizations (id) ON DELETE CASCADE,
    title text NOT NULL,
    description text,
    start_time integer NOT NULL,
    end_time integer NOT NULL,
    moment_type public."MomentType" NOT NULL,
    confidence integer,
    transcript_excerpt text,
    created_at timestamp NOT NULL DEFAULT now()
);

CREATE INDEX idx_video_moments_video_id ON public.video_moments (video_id);
CREATE INDEX idx_video_moments_organization_id ON public.video_moments (organization_id);

CREATE TABLE public.video_clips (
    id text PRIMARY KEY DEFAULT gen_random_uuid(),
    video_id text NOT NULL REFERENCES public.videos (id) ON DELETE CASCADE,
    organization_id text NOT NULL REFERENCES public.organizations (id) ON DELETE CASCADE,
    moment_id text REFERENCES public.video_moments (id) ON DELETE SET NULL,
    title text NOT NULL,
    description text,
    start_time integer NOT NULL,
    end_time integer NOT NULL,
    clip_type public."ClipType" NOT NULL,
    moment_type public."MomentType",
    storage_key text,
    thumbnail_url text,
    status public."ClipStatus" NOT NULL DEFAULT 'pending',
    created_by text REFERENCES public.users (id) ON DELETE SET NULL,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);

CREATE INDEX idx_video_clips_video_id ON public.video_clips (video_id);
CREATE INDEX idx_video_clips_organization_id ON public.video_clips (organization_id);
CREATE INDEX idx_video_clips_moment_id ON public.video_clips (moment_id);
CREATE INDEX idx_video_clips_created_by ON public.video_clips (created_by);

-- clip_ids is a list in JSON, which no foreign key watches.
CREATE TABLE public.highlight_reels (
    id text PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id text NOT NULL REFERENCES public.organizations (id) ON DELETE CASCADE,
    title text NOT NULL,
    description text,
    clip_ids jsonb NOT NULL DEFAULT '[]',
    storage_key text,
    thumbnail_url text,
    duration integer,
    status public."HighlightReelStatus" NOT NULL DEFAULT 'draft',
    created_by text REFERENCES public.users (id) ON DELETE SET NULL,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);

CREATE INDEX idx_highlight_reels_organization_id ON public.highlight_reels (organization_id);
CREATE INDEX idx_highlight_reels_created_by ON public.highlight_reels (created_by);

CREATE TABLE public.quote_cards (
    id text PRIMARY KEY DEFAULT gen_random_uuid(),
    video_id text NOT NULL REFERENCES public.videos (id) ON DELETE CASCADE,
    organization_id text NOT NULL REFERENCES public.organizations (id) ON DELETE CASCADE,
    quote_text text NOT NULL,
    speaker text,
    timestamp_seconds integer,
    template jsonb,
    image_url text,
    storage_key text,
    created_by text REFERENCES public.users (id) ON DELETE SET NULL,
    created_at timestamp NOT NULL DEFAULT now()
);

CREATE INDEX idx_quote_cards_video_id ON public.quote_cards (video_id);
CREATE INDEX idx_quote_cards_organization_id ON public.quote_cards (organization_id);
CREATE INDEX idx_quote_cards_created_by ON public.quote_cards (created_by);
