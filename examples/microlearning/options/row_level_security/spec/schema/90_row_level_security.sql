-- Row-level security as a second line behind the application's own checks: for reading only, on two tables only.
-- The owner is not bound, and the application role can then no longer write these two tables.

ALTER TABLE public.nuggets ENABLE ROW LEVEL SECURITY;
CREATE POLICY nugget_organization_access ON public.nuggets
    FOR SELECT
    USING (organization_id IN (
        SELECT users.organization_id FROM public.users WHERE users.id = current_setting('app.current_user_id', true)
    ));

ALTER TABLE public.sessions ENABLE ROW LEVEL SECURITY;
CREATE POLICY session_learner_access ON public.sessions
    FOR SELECT
    USING (learner_id IN (
        SELECT learners.id FROM public.learners WHERE learners.user_id = current_setting('app.current_user_id', true)
    ));
