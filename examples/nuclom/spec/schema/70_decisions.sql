-- The decision registry. A decision that is replaced names its successor in superseded_by_id and has status
-- 'superseded'; a video, user or successor that a decision names cannot be deleted alone.

CREATE TABLE public.decisions (
    id text PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id text NOT NULL REFERENCES public.organizations (id) ON DELETE CASCADE,
    summary text NOT NULL,
    context text,
    source text NOT NULL,
    video_id text REFERENCES public.videos (id),
    video_timestamp integer,
    status text NOT NULL DEFAULT 'decided',
    decided_at timestamp NOT NULL DEFAULT now(),
    created_by_id text REFERENCES public.users (id),
    superseded_by_id text REFERENCES public.decisions (id),
    search_vector tsvector GENERATED ALWAYS AS (
        to_tsvector('english'::regconfig, coalesce(summary, '') || ' ' || coalesce(context, ''))
    ) STORED,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now(),
    embedding_vector public.vector(1536)
);

COMMENT ON COLUMN public.decisions.source IS 'meeting, adhoc or manual';
COMMENT ON COLUMN public.decisions.status IS 'decided, proposed or superseded';

CREATE INDEX idx_decisions_organization_id ON public.decisions (organization_id);
CREATE INDEX idx_decisions_video_id ON public.decisions (video_id);
CREATE INDEX idx_decisions_created_by_id ON public.decisions (created_by_id);
CREATE INDEX idx_decisions_superseded_by_id ON public.decisions (superseded_by_id);
CREATE INDEX idx_decisions_search_vector ON public.decisions USING gin (search_vector);

CREATE TABLE public.decision_participants (
    id text PRIMARY KEY DEFAULT gen_random_uuid(),
    decision_id text NOT NULL REFERENCES public.decisions (id) ON DELETE CASCADE,
    user_id text NOT NULL REFERENCES public.users (id) ON DELETE CASCADE,
    created_at timestamp NOT NULL DEFAULT now(),
    UNIQUE (decision_id, user_id)
);

CREATE INDEX idx_decision_participants_user_id ON public.decision_participants (user_id);

CREATE TABLE public.decision_tags (
    id text PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id text NOT NULL REFERENCES public.organizations (id) ON DELETE CASCADE,
    name text NOT NULL,
    color text,
    created_at timestamp NOT NULL DEFAULT now(),
    UNIQUE (organization_id, name)
);

CREATE TABLE public.decision_tag_assignments (
    id text PRIMARY KEY DEFAULT gen_random_uuid(),
    decision_id text NOT NULL REFERENCES public.decisions (id) ON DELETE CASCADE,
    tag_id text NOT NULL REFERENCES public.decision_tags (id) ON DELETE CASCADE,
    created_at timestamp NOT NULL DEFAULT now(),
    UNIQUE (decision_id, tag_id)
);

CREATE INDEX idx_decision_tag_assignments_tag_id ON public.decision_tag_assignments (tag_id);

-- One link per pair, whatever its type: related, supersedes or depends_on.
CREATE TABLE public.decision_links (
    id text PRIMARY KEY DEFAULT gen_random_uuid(),
    decision_id text NOT NULL REFERENCES public.decisions (id) ON DELETE CASCADE,
    target_decision_id text NOT NULL REFERENCES public.decisions (id) ON DELETE CASCADE,
    link_type text NOT NULL DEFAULT 'related',
    created_at timestamp NOT NULL DEFAULT now(),
    UNIQUE (decision_id, target_decision_id)
);

CREATE INDEX idx_decision_links_target_decision_id ON public.decision_links (target_decision_id);

-- frequency: instant, daily or weekly.
CREATE TABLE public.decision_subscriptions (
    id text PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id text NOT NULL REFERENCES public.users (id) ON DELETE CASCADE,
    tag_id text NOT NULL REFERENCES public.decision_tags (id) ON DELETE CASCADE,
    frequency text NOT NULL DEFAULT 'instant',
    created_at timestamp NOT NULL DEFAULT now(),
    UNIQUE (user_id, tag_id)
);

CREATE INDEX idx_decision_subscriptions_tag_id ON public.decision_subscriptions (tag_id);

-- The audit trail: one row per field that was changed. The application adds rows and changes none.
CREATE TABLE public.decision_edits (
    id text PRIMARY KEY DEFAULT gen_random_uuid(),
    decision_id text NOT NULL REFERENCES public.decisions (id) ON DELETE CASCADE,
    user_id text NOT NULL REFERENCES public.users (id) ON DELETE CASCADE,
    field_changed text NOT NULL,
    old_value text,
    new_value text,
    edited_at timestamp NOT NULL DEFAULT now()
);

CREATE INDEX idx_decision_edits_decision_id ON public.decision_edits (decision_id);
CREATE INDEX idx_decision_edits_user_id ON public.decision_edits (user_id);
