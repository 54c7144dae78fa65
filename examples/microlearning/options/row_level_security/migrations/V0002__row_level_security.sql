-- Intent: the optional row-level security: users read the nuggets of their organization, learners their own sessions.
--   The printed ::uuid is left out, because ids are text; and the setting is read with missing_ok, so that a session
--   without a user sees nothing instead of failing.
-- Locks: AccessExclusive on both tables for a moment.
-- Undo: V0002__row_level_security.down.sql takes both policies away again; no row is lost.

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
