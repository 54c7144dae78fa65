-- Intent: undoes V0004.
-- Locks: AccessExclusive on the three functions.
-- Undo: run V0004 again.

DROP FUNCTION public.cost_by_period(uuid, timestamp, timestamp, text);
DROP FUNCTION public.hybrid_search(text, public.vector, uuid, integer);
DROP FUNCTION public.list_sessions(uuid, integer, timestamp, uuid, uuid);
