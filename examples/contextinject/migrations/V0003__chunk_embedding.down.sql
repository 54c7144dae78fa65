-- Intent: undoes V0003: the embeddings of all chunks are lost.
-- Locks: AccessExclusive on chunks for an instant.
-- Undo: run V0003 again and compute the embeddings anew.

ALTER TABLE public.chunks DROP COLUMN embedding;
