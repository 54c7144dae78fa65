-- edu: no-transaction
-- Intent: undoes V0004. Searches work without the index, by reading every embedding of the tenant.
-- Locks: ShareUpdateExclusive on chunks; the drop waits for the queries that use the index.
-- Undo: run V0004 again.

DROP INDEX CONCURRENTLY public.chunks_embedding_hnsw_idx;
