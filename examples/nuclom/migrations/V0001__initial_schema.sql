-- Intent: the 9 enumerations, 25 tables with their indexes and foreign keys, the functions that know the session's
--   organizations, the way into a user's context, row-level security on all 25 tables, and the privileges of the
--   application role on exactly these tables.
-- Locks: new objects only; ShareRowExclusive on tables made in this same file where a foreign key points at them.
-- Undo: V0001__initial_schema.down.sql drops it all, rows included.
-- Names: constraints as PostgreSQL names them (users_pkey, users_email_key, videos_author_id_fkey); indexes as Nuclom
--   prints them, and idx_<table>_<column> for the 33 that lead a foreign key and are not printed.

-- All enumerations, in one place. Their names are quoted and mixed-case throughout: unquoted, PostgreSQL folds them to
-- lower case, and "TopicTrend" and topictrend would be two types.

-- In the order of power: a role includes what the roles after it may do, so role <= 'ADMIN' is OWNER or ADMIN.
CREATE TYPE public."OrganizationRole" AS ENUM ('OWNER', 'ADMIN', 'MEMBER');
CREATE TYPE public."ProcessingStatus" AS ENUM ('pending', 'transcribing', 'diarizing', 'analyzing', 'completed', 'failed');
CREATE TYPE public."MomentType" AS ENUM ('decision', 'action_item', 'question', 'answer', 'emphasis', 'demonstration', 'conclusion', 'highlight');
CREATE TYPE public."ClipType" AS ENUM ('auto', 'manual');
CREATE TYPE public."ClipStatus" AS ENUM ('pending', 'processing', 'ready', 'failed');
CREATE TYPE public."HighlightReelStatus" AS ENUM ('draft', 'rendering', 'ready', 'failed');
CREATE TYPE public."TopicTrend" AS ENUM ('rising', 'stable', 'declining');
CREATE TYPE public."ActionItemStatus" AS ENUM ('pending', 'in_progress', 'completed', 'cancelled');
CREATE TYPE public."ActionItemPriority" AS ENUM ('high', 'medium', 'low');

-- Users, organizations, memberships: managed by better-auth, which writes them over a connection of its own. The
-- application reads them. What the application wants to know about a user goes into 30_user_extensions.sql.

CREATE TABLE public.users (
    id text PRIMARY KEY DEFAULT gen_random_uuid(),
    email text NOT NULL UNIQUE,
    name text,
    avatar_url text,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);

CREATE TABLE public.organizations (
    id text PRIMARY KEY DEFAULT gen_random_uuid(),
    name text NOT NULL,
    slug text NOT NULL UNIQUE,
    description text,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);

-- One row: this user belongs to this organization, in this role.
CREATE TABLE public.organization_users (
    id text PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id text NOT NULL REFERENCES public.users (id) ON DELETE CASCADE,
    organization_id text NOT NULL REFERENCES public.organizations (id) ON DELETE CASCADE,
    role public."OrganizationRole" NOT NULL DEFAULT 'MEMBER',
    created_at timestamp NOT NULL DEFAULT now(),
    UNIQUE (user_id, organization_id)
);

CREATE INDEX idx_organization_users_organization_id ON public.organization_users (organization_id);

-- The organizations of the session's user. Every policy asks this function, and no policy reads organization_users
-- itself: a policy on organization_users that did would recurse without end. SECURITY DEFINER is what ends the
-- recursion: the owner is not bound by the policies. It takes no user as an argument and tells nothing that the
-- session's user could not know.
CREATE FUNCTION public.current_user_org_ids() RETURNS SETOF text
    LANGUAGE sql
    STABLE
    PARALLEL SAFE
    SECURITY DEFINER
    ROWS 10
    SET search_path = ''
AS $function$
    SELECT m.organization_id FROM public.organization_users AS m
    WHERE m.user_id = NULLIF(pg_catalog.current_setting('app.current_user_id', true), '')
$function$;

-- Those of them in which the user has at least the role.
CREATE FUNCTION public.current_user_org_ids_as(p_least_role public."OrganizationRole") RETURNS SETOF text
    LANGUAGE sql
    STABLE
    PARALLEL SAFE
    SECURITY DEFINER
    ROWS 10
    SET search_path = ''
AS $function$
    SELECT m.organization_id FROM public.organization_users AS m
    WHERE m.user_id = NULLIF(pg_catalog.current_setting('app.current_user_id', true), '')
      AND m.role <= p_least_role
$function$;

-- Who else is in the session's organizations: a name and a picture for each. users itself shows a user nobody else,
-- so that e-mail addresses stay private. It asks whose organizations they are as every policy does.
CREATE FUNCTION public.fellow_members() RETURNS TABLE (
    organization_id text, user_id text, role public."OrganizationRole", name text, avatar_url text
)
    LANGUAGE sql
    STABLE
    PARALLEL SAFE
    SECURITY DEFINER
    SET search_path = ''
AS $function$
    SELECT m.organization_id, u.id, m.role, u.name, u.avatar_url
    FROM public.organization_users AS m
    JOIN public.users AS u ON u.id = m.user_id
    WHERE m.organization_id = ANY (ARRAY(SELECT public.current_user_org_ids()))
$function$;

-- Enters a user's context: the setting, then the application role, both for the running transaction only. Call it as
-- the first statement of a transaction, as the login role. It has no SET clause on purpose: a function with one
-- restores, when it returns, what it has set with is_local. The application role cannot call it.
CREATE FUNCTION public.run_as_user(p_user_id text) RETURNS void
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
AS $function$
BEGIN
    IF COALESCE(p_user_id, '') = '' THEN
        RAISE EXCEPTION 'run_as_user needs a user'
            USING ERRCODE = 'null_value_not_allowed',
                  HINT = 'Pass the id of the user that the request belongs to.';
    END IF;
    PERFORM pg_catalog.set_config('app.current_user_id', p_user_id, true);
    PERFORM pg_catalog.set_config('role', 'nuclom_app', true);
END
$function$;

REVOKE ALL ON FUNCTION public.current_user_org_ids() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.current_user_org_ids_as(public."OrganizationRole") FROM PUBLIC;
REVOKE ALL ON FUNCTION public.fellow_members() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.run_as_user(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.current_user_org_ids() TO nuclom_app;
GRANT EXECUTE ON FUNCTION public.current_user_org_ids_as(public."OrganizationRole") TO nuclom_app;
GRANT EXECUTE ON FUNCTION public.fellow_members() TO nuclom_app;
GRANT EXECUTE ON FUNCTION public.run_as_user(text) TO nuclom_login;

-- What the application knows about a user, kept out of users so that better-auth's own migrations meet no column of ours.

CREATE TABLE public.user_extensions (
    user_id text PRIMARY KEY REFERENCES public.users (id) ON DELETE CASCADE,
    tos_accepted_at timestamp,
    marketing_consent boolean NOT NULL DEFAULT false,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);

CREATE TABLE public.user_preferences (
    user_id text PRIMARY KEY REFERENCES public.users (id) ON DELETE CASCADE,
    preferences jsonb NOT NULL DEFAULT '{}',
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);

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

-- Search by meaning: pieces of transcripts with their embeddings, and the nodes of the knowledge graph. The HNSW index
-- is declared in spec/vectors.toml.

CREATE TABLE public.transcript_chunks (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    video_id text NOT NULL REFERENCES public.videos (id) ON DELETE CASCADE,
    organization_id text NOT NULL REFERENCES public.organizations (id) ON DELETE CASCADE,
    chunk_index integer NOT NULL,
    text text NOT NULL,
    token_count integer,
    timestamp_start integer,
    timestamp_end integer,
    speakers text[],
    embedding public.vector(1536),
    created_at timestamp NOT NULL DEFAULT now(),
    UNIQUE (video_id, chunk_index)
);

CREATE INDEX idx_transcript_chunks_organization_id ON public.transcript_chunks (organization_id);

CREATE TABLE public.knowledge_nodes (
    id text PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id text NOT NULL REFERENCES public.organizations (id) ON DELETE CASCADE,
    name text NOT NULL,
    embedding_vector public.vector(1536),
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);

CREATE INDEX idx_knowledge_nodes_organization_id ON public.knowledge_nodes (organization_id);

-- Who reaches which row. A session says who its user is (app.current_user_id) and nothing else; what it reaches follows
-- from the user's memberships, which current_user_org_ids() reads. Without a user every table is empty.
--   organization_isolation   on 22 tables: rows of the user's organizations, whatever the role in them
--   restrictive policies     what a role is needed for on top of that
--   users, user_extensions, user_preferences   the user's own; of others fellow_members() tells the names
-- Membership is asked for as = ANY (ARRAY(SELECT …)): the list is made once per statement and can use an index.
-- Tables without organization_id ask the row that they belong to, whose own policy answers.

-- Managed by better-auth: the application reads them. No policy and no grant lets it write.

ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON TABLE public.users TO nuclom_app;
CREATE POLICY own_profile ON public.users
    FOR SELECT TO nuclom_app
    USING (id = NULLIF(current_setting('app.current_user_id', true), ''));

ALTER TABLE public.organizations ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON TABLE public.organizations TO nuclom_app;
CREATE POLICY organization_isolation ON public.organizations
    FOR SELECT TO nuclom_app
    USING (id = ANY (ARRAY(SELECT public.current_user_org_ids())));

ALTER TABLE public.organization_users ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON TABLE public.organization_users TO nuclom_app;
CREATE POLICY organization_isolation ON public.organization_users
    FOR SELECT TO nuclom_app
    USING (organization_id = ANY (ARRAY(SELECT public.current_user_org_ids())));

-- A user's own settings. The rows go when the user goes.

ALTER TABLE public.user_extensions ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE ON TABLE public.user_extensions TO nuclom_app;
CREATE POLICY own_settings ON public.user_extensions
    TO nuclom_app
    USING (user_id = NULLIF(current_setting('app.current_user_id', true), ''));

ALTER TABLE public.user_preferences ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE ON TABLE public.user_preferences TO nuclom_app;
CREATE POLICY own_settings ON public.user_preferences
    TO nuclom_app
    USING (user_id = NULLIF(current_setting('app.current_user_id', true), ''));

-- Content, by the organization it belongs to.

ALTER TABLE public.channels ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.channels TO nuclom_app;
CREATE POLICY organization_isolation ON public.channels
    TO nuclom_app
    USING (organization_id = ANY (ARRAY(SELECT public.current_user_org_ids())));
CREATE POLICY admins_insert ON public.channels AS RESTRICTIVE
    FOR INSERT TO nuclom_app
    WITH CHECK (organization_id = ANY (ARRAY(SELECT public.current_user_org_ids_as('ADMIN'))));
CREATE POLICY admins_update ON public.channels AS RESTRICTIVE
    FOR UPDATE TO nuclom_app
    USING (organization_id = ANY (ARRAY(SELECT public.current_user_org_ids_as('ADMIN'))));
CREATE POLICY admins_delete ON public.channels AS RESTRICTIVE
    FOR DELETE TO nuclom_app
    USING (organization_id = ANY (ARRAY(SELECT public.current_user_org_ids_as('ADMIN'))));

ALTER TABLE public.collections ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.collections TO nuclom_app;
CREATE POLICY organization_isolation ON public.collections
    TO nuclom_app
    USING (organization_id = ANY (ARRAY(SELECT public.current_user_org_ids())));
CREATE POLICY admins_insert ON public.collections AS RESTRICTIVE
    FOR INSERT TO nuclom_app
    WITH CHECK (organization_id = ANY (ARRAY(SELECT public.current_user_org_ids_as('ADMIN'))));
CREATE POLICY admins_update ON public.collections AS RESTRICTIVE
    FOR UPDATE TO nuclom_app
    USING (organization_id = ANY (ARRAY(SELECT public.current_user_org_ids_as('ADMIN'))));
CREATE POLICY admins_delete ON public.collections AS RESTRICTIVE
    FOR DELETE TO nuclom_app
    USING (organization_id = ANY (ARRAY(SELECT public.current_user_org_ids_as('ADMIN'))));

ALTER TABLE public.videos ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.videos TO nuclom_app;
CREATE POLICY organization_isolation ON public.videos
    TO nuclom_app
    USING (organization_id = ANY (ARRAY(SELECT public.current_user_org_ids())));
CREATE POLICY author_or_admin_delete ON public.videos AS RESTRICTIVE
    FOR DELETE TO nuclom_app
    USING (author_id = NULLIF(current_setting('app.current_user_id', true), '')
        OR organization_id = ANY (ARRAY(SELECT public.current_user_org_ids_as('ADMIN'))));

ALTER TABLE public.video_moments ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.video_moments TO nuclom_app;
CREATE POLICY organization_isolation ON public.video_moments
    TO nuclom_app
    USING (organization_id = ANY (ARRAY(SELECT public.current_user_org_ids())));

ALTER TABLE public.video_clips ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.video_clips TO nuclom_app;
CREATE POLICY organization_isolation ON public.video_clips
    TO nuclom_app
    USING (organization_id = ANY (ARRAY(SELECT public.current_user_org_ids())));

ALTER TABLE public.highlight_reels ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.highlight_reels TO nuclom_app;
CREATE POLICY organization_isolation ON public.highlight_reels
    TO nuclom_app
    USING (organization_id = ANY (ARRAY(SELECT public.current_user_org_ids())));

ALTER TABLE public.quote_cards ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.quote_cards TO nuclom_app;
CREATE POLICY organization_isolation ON public.quote_cards
    TO nuclom_app
    USING (organization_id = ANY (ARRAY(SELECT public.current_user_org_ids())));

ALTER TABLE public.decisions ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.decisions TO nuclom_app;
CREATE POLICY organization_isolation ON public.decisions
    TO nuclom_app
    USING (organization_id = ANY (ARRAY(SELECT public.current_user_org_ids())));

ALTER TABLE public.decision_tags ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.decision_tags TO nuclom_app;
CREATE POLICY organization_isolation ON public.decision_tags
    TO nuclom_app
    USING (organization_id = ANY (ARRAY(SELECT public.current_user_org_ids())));
CREATE POLICY admins_insert ON public.decision_tags AS RESTRICTIVE
    FOR INSERT TO nuclom_app
    WITH CHECK (organization_id = ANY (ARRAY(SELECT public.current_user_org_ids_as('ADMIN'))));
CREATE POLICY admins_update ON public.decision_tags AS RESTRICTIVE
    FOR UPDATE TO nuclom_app
    USING (organization_id = ANY (ARRAY(SELECT public.current_user_org_ids_as('ADMIN'))));
CREATE POLICY admins_delete ON public.decision_tags AS RESTRICTIVE
    FOR DELETE TO nuclom_app
    USING (organization_id = ANY (ARRAY(SELECT public.current_user_org_ids_as('ADMIN'))));

ALTER TABLE public.ai_topics ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.ai_topics TO nuclom_app;
CREATE POLICY organization_isolation ON public.ai_topics
    TO nuclom_app
    USING (organization_id = ANY (ARRAY(SELECT public.current_user_org_ids())));

ALTER TABLE public.ai_action_items ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.ai_action_items TO nuclom_app;
CREATE POLICY organization_isolation ON public.ai_action_items
    TO nuclom_app
    USING (organization_id = ANY (ARRAY(SELECT public.current_user_org_ids())));

ALTER TABLE public.transcript_chunks ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.transcript_chunks TO nuclom_app;
CREATE POLICY organization_isolation ON public.transcript_chunks
    TO nuclom_app
    USING (organization_id = ANY (ARRAY(SELECT public.current_user_org_ids())));

ALTER TABLE public.knowledge_nodes ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.knowledge_nodes TO nuclom_app;
CREATE POLICY organization_isolation ON public.knowledge_nodes
    TO nuclom_app
    USING (organization_id = ANY (ARRAY(SELECT public.current_user_org_ids())));

-- Content without organization_id, by the rows it belongs to. What ties two rows together wants both of them to be
-- within reach when it is written.

ALTER TABLE public.comments ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.comments TO nuclom_app;
CREATE POLICY organization_isolation ON public.comments
    TO nuclom_app
    USING (EXISTS (SELECT FROM public.videos AS v WHERE v.id = comments.video_id));
CREATE POLICY author_insert ON public.comments AS RESTRICTIVE
    FOR INSERT TO nuclom_app
    WITH CHECK (author_id = NULLIF(current_setting('app.current_user_id', true), ''));
CREATE POLICY author_update ON public.comments AS RESTRICTIVE
    FOR UPDATE TO nuclom_app
    USING (author_id = NULLIF(current_setting('app.current_user_id', true), ''));
CREATE POLICY author_or_admin_delete ON public.comments AS RESTRICTIVE
    FOR DELETE TO nuclom_app
    USING (author_id = NULLIF(current_setting('app.current_user_id', true), '')
        OR EXISTS (SELECT FROM public.videos AS v WHERE v.id = comments.video_id
            AND v.organization_id = ANY (ARRAY(SELECT public.current_user_org_ids_as('ADMIN')))));

ALTER TABLE public.video_progress ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.video_progress TO nuclom_app;
CREATE POLICY organization_isolation ON public.video_progress
    TO nuclom_app
    USING (user_id = NULLIF(current_setting('app.current_user_id', true), '')
        AND EXISTS (SELECT FROM public.videos AS v WHERE v.id = video_progress.video_id));

ALTER TABLE public.decision_participants ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.decision_participants TO nuclom_app;
CREATE POLICY organization_isolation ON public.decision_participants
    TO nuclom_app
    USING (EXISTS (SELECT FROM public.decisions AS d WHERE d.id = decision_participants.decision_id));

ALTER TABLE public.decision_tag_assignments ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.decision_tag_assignments TO nuclom_app;
CREATE POLICY organization_isolation ON public.decision_tag_assignments
    TO nuclom_app
    USING (EXISTS (SELECT FROM public.decisions AS d WHERE d.id = decision_tag_assignments.decision_id))
    WITH CHECK (EXISTS (SELECT FROM public.decisions AS d WHERE d.id = decision_tag_assignments.decision_id)
        AND EXISTS (SELECT FROM public.decision_tags AS t WHERE t.id = decision_tag_assignments.tag_id));

ALTER TABLE public.decision_links ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.decision_links TO nuclom_app;
CREATE POLICY organization_isolation ON public.decision_links
    TO nuclom_app
    USING (EXISTS (SELECT FROM public.decisions AS d WHERE d.id = decision_links.decision_id))
    WITH CHECK (EXISTS (SELECT FROM public.decisions AS d WHERE d.id = decision_links.decision_id)
        AND EXISTS (SELECT FROM public.decisions AS d WHERE d.id = decision_links.target_decision_id));

ALTER TABLE public.decision_subscriptions ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.decision_subscriptions TO nuclom_app;
CREATE POLICY organization_isolation ON public.decision_subscriptions
    TO nuclom_app
    USING (user_id = NULLIF(current_setting('app.current_user_id', true), '')
        AND EXISTS (SELECT FROM public.decision_tags AS t WHERE t.id = decision_subscriptions.tag_id));

ALTER TABLE public.decision_edits ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT ON TABLE public.decision_edits TO nuclom_app;
CREATE POLICY organization_isolation ON public.decision_edits
    TO nuclom_app
    USING (EXISTS (SELECT FROM public.decisions AS d WHERE d.id = decision_edits.decision_id));
CREATE POLICY editor_insert ON public.decision_edits AS RESTRICTIVE
    FOR INSERT TO nuclom_app
    WITH CHECK (user_id = NULLIF(current_setting('app.current_user_id', true), ''));
