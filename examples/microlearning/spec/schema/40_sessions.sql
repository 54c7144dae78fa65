-- Who learns what when: sessions, the nodes visited in them, what was said, and how far a learner is.

CREATE TABLE public.sessions (
    id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    learner_id text NOT NULL REFERENCES public.learners (id) ON UPDATE CASCADE ON DELETE CASCADE,
    organization_id text NOT NULL REFERENCES public.organizations (id) ON UPDATE CASCADE ON DELETE CASCADE,
    current_node_id text REFERENCES public.narrative_nodes (id) ON UPDATE CASCADE ON DELETE SET NULL,
    path_history jsonb NOT NULL DEFAULT '[]',
    mode text NOT NULL DEFAULT 'text',
    started_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    last_activity timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    completed_at timestamp(3)
);

COMMENT ON COLUMN public.sessions.path_history IS
    'the ids of the nodes visited, in order';
COMMENT ON COLUMN public.sessions.mode IS
    'text or voice';

CREATE INDEX sessions_learner_id_idx ON public.sessions (learner_id);
CREATE INDEX sessions_organization_id_idx ON public.sessions (organization_id);
CREATE INDEX sessions_current_node_id_idx ON public.sessions (current_node_id);
CREATE INDEX sessions_started_at_idx ON public.sessions (started_at);
CREATE INDEX sessions_last_activity_idx ON public.sessions (last_activity);
CREATE INDEX sessions_learner_activity_idx ON public.sessions (learner_id, last_activity DESC);

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.sessions TO lms_app;

CREATE TABLE public.session_nodes (
    id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    session_id text NOT NULL REFERENCES public.sessions (id) ON UPDATE CASCADE ON DELETE CASCADE,
    node_id text NOT NULL REFERENCES public.narrative_nodes (id) ON UPDATE CASCADE ON DELETE CASCADE,
    choice_id text,
    visited_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    time_spent integer
);

COMMENT ON COLUMN public.session_nodes.time_spent IS
    'seconds';

CREATE INDEX session_nodes_session_id_idx ON public.session_nodes (session_id);
CREATE INDEX session_nodes_node_id_idx ON public.session_nodes (node_id);
CREATE INDEX session_nodes_visited_at_idx ON public.session_nodes (visited_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.session_nodes TO lms_app;

CREATE TABLE public.messages (
    id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    session_id text NOT NULL REFERENCES public.sessions (id) ON UPDATE CASCADE ON DELETE CASCADE,
    role text NOT NULL,
    content text NOT NULL,
    tool_calls jsonb,
    tool_results jsonb,
    created_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

COMMENT ON COLUMN public.messages.role IS
    'user, assistant or system';

CREATE INDEX messages_session_id_idx ON public.messages (session_id);
CREATE INDEX messages_created_at_idx ON public.messages (created_at);
CREATE INDEX messages_role_idx ON public.messages (role);
CREATE INDEX messages_session_created_idx ON public.messages (session_id, created_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.messages TO lms_app;

CREATE TABLE public.progress (
    id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    learner_id text NOT NULL REFERENCES public.learners (id) ON UPDATE CASCADE ON DELETE CASCADE,
    concept text NOT NULL,
    mastery_level integer NOT NULL,
    evidence text,
    updated_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    UNIQUE (learner_id, concept)
);

COMMENT ON COLUMN public.progress.mastery_level IS
    '0 to 100';

CREATE INDEX progress_learner_id_idx ON public.progress (learner_id);
CREATE INDEX progress_concept_idx ON public.progress (concept);
CREATE INDEX progress_mastery_level_idx ON public.progress (mastery_level);
CREATE INDEX progress_learner_concept_idx ON public.progress (learner_id, concept);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.progress
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.progress TO lms_app;
