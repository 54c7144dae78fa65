-- Organizations, their users, and what a user is as a learner.

CREATE TABLE public.organizations (
    id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    name text NOT NULL,
    settings jsonb,
    created_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.organizations
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.organizations TO lms_app;

CREATE TABLE public.users (
    id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    email text NOT NULL UNIQUE,
    password_hash text,
    name text NOT NULL,
    role text NOT NULL,
    organization_id text NOT NULL REFERENCES public.organizations (id) ON UPDATE CASCADE ON DELETE CASCADE,
    created_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

COMMENT ON COLUMN public.users.role IS
    'admin, instructor or learner';

CREATE INDEX users_email_idx ON public.users (email);
CREATE INDEX users_organization_id_idx ON public.users (organization_id);
CREATE INDEX users_role_idx ON public.users (role);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.users
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.users TO lms_app;

CREATE TABLE public.learners (
    id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    user_id text NOT NULL REFERENCES public.users (id) ON UPDATE CASCADE ON DELETE CASCADE UNIQUE,
    organization_id text NOT NULL REFERENCES public.organizations (id) ON UPDATE CASCADE ON DELETE CASCADE,
    profile jsonb NOT NULL,
    mastery_map jsonb NOT NULL DEFAULT '{}',
    knowledge_gaps text[] DEFAULT ARRAY[]::text[],
    preferences jsonb NOT NULL DEFAULT '{}',
    created_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

COMMENT ON COLUMN public.learners.profile IS
    '{interests: text[], goals: text, learningStyle: visual | auditory | kinesthetic | reading, preferredDifficulty: beginner | intermediate | advanced}';
COMMENT ON COLUMN public.learners.mastery_map IS
    '{concept: 0 to 100}';
COMMENT ON COLUMN public.learners.preferences IS
    '{voice, mode: text | voice}';

CREATE INDEX learners_organization_id_idx ON public.learners (organization_id);
CREATE INDEX learners_user_id_idx ON public.learners (user_id);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.learners
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.learners TO lms_app;
