-- Intent: optional, for tenants whose vectors are kept here and not in a vector store of their own: the embedding of a
--   chunk. A project without such tenants stays at V0002 (edu db migrate --to 2).
-- Locks: AccessExclusive on chunks for an instant: a column without a default rewrites no row.
-- Undo: V0003__chunk_embedding.down.sql drops the column WITH ALL EMBEDDINGS.

ALTER TABLE public.chunks ADD COLUMN IF NOT EXISTS embedding public.vector(1024);
