-- Intent: undoes V0003.
-- Locks: none on tables; callers that are running keep the definition they started with.
-- Undo: run V0003 again.

DROP FUNCTION public.search_concepts_semantic(public.vector, uuid, integer);
DROP FUNCTION public.search_content_semantic(public.vector, uuid, integer, float);
