-- Intent: undoes V0002: whoever may read the two tables reads all their rows again, and writes them.
-- Locks: AccessExclusive on both tables for a moment.
-- Undo: run V0002 again.

DROP POLICY session_learner_access ON public.sessions;
ALTER TABLE public.sessions DISABLE ROW LEVEL SECURITY;

DROP POLICY nugget_organization_access ON public.nuggets;
ALTER TABLE public.nuggets DISABLE ROW LEVEL SECURITY;
