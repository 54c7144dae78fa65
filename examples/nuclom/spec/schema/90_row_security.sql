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
