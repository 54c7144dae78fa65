-- Threads: a reply names its comment, and goes with it. timestamp is a place in the video.

CREATE TABLE public.comments (
    id text PRIMARY KEY DEFAULT gen_random_uuid(),
    content text NOT NULL,
    timestamp text,
    author_id text NOT NULL REFERENCES public.users (id) ON DELETE CASCADE,
    video_id text NOT NULL REFERENCES public.videos (id) ON DELETE CASCADE,
    parent_id text REFERENCES public.comments (id) ON DELETE CASCADE,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);

CREATE INDEX idx_comments_video_id ON public.comments (video_id);
CREATE INDEX idx_comments_video_parent ON public.comments (video_id, parent_id);
CREATE INDEX idx_comments_author_id ON public.comments (author_id);
CREATE INDEX idx_comments_parent_id ON public.comments (parent_id);
