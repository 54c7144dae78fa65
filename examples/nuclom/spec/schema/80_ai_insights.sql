-- What is talked about across an organization's videos, and what somebody said would be done.

CREATE TABLE public.ai_topics (
    id text PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id text NOT NULL REFERENCES public.organizations (id) ON DELETE CASCADE,
    name text NOT NULL,
    normalized_name text NOT NULL,
    description text,
    mention_count integer NOT NULL DEFAULT 1,
    video_count integer NOT NULL DEFAULT 1,
    last_mentioned_at timestamp NOT NULL DEFAULT now(),
    first_mentioned_at timestamp NOT NULL DEFAULT now(),
    trend public."TopicTrend" NOT NULL DEFAULT 'stable',
    trend_score integer DEFAULT 0,
    keywords jsonb DEFAULT '[]',
    metadata jsonb,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now(),
    UNIQUE (organization_id, normalized_name)
);

COMMENT ON COLUMN public.ai_topics.trend_score IS '-100 to 100';

CREATE INDEX ai_topics_org_idx ON public.ai_topics (organization_id);
CREATE INDEX ai_topics_trend_idx ON public.ai_topics (organization_id, trend);

CREATE TABLE public.ai_action_items (
    id text PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id text NOT NULL REFERENCES public.organizations (id) ON DELETE CASCADE,
    video_id text NOT NULL REFERENCES public.videos (id) ON DELETE CASCADE,
    title text NOT NULL,
    description text,
    assignee text,
    assignee_user_id text REFERENCES public.users (id) ON DELETE SET NULL,
    status public."ActionItemStatus" NOT NULL DEFAULT 'pending',
    priority public."ActionItemPriority" NOT NULL DEFAULT 'medium',
    due_date timestamp,
    completed_at timestamp,
    completed_by_id text REFERENCES public.users (id) ON DELETE SET NULL,
    timestamp_start integer,
    timestamp_end integer,
    confidence integer,
    extracted_from text,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);

COMMENT ON COLUMN public.ai_action_items.confidence IS '0 to 100';

CREATE INDEX ai_action_items_org_idx ON public.ai_action_items (organization_id, status);
CREATE INDEX ai_action_items_video_idx ON public.ai_action_items (video_id);
CREATE INDEX ai_action_items_status_idx ON public.ai_action_items (status, priority);
CREATE INDEX idx_ai_action_items_assignee_user_id ON public.ai_action_items (assignee_user_id);
CREATE INDEX idx_ai_action_items_completed_by_id ON public.ai_action_items (completed_by_id);
