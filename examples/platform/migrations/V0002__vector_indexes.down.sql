-- edu: no-transaction
-- Intent: undoes V0002. Searches work without the indexes, by reading every embedding of the tenant.
-- Locks: ShareUpdateExclusive on one table at a time; each drop waits for the queries that use the index.
-- Undo: run V0002 again.

DROP INDEX CONCURRENTLY public.knowledge_chunk_embedding_idx;

DROP INDEX CONCURRENTLY public.knowledge_embedding_idx;
