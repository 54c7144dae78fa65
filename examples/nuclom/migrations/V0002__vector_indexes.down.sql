-- edu: no-transaction
-- Intent: undoes V0002. Searches work without the index, by reading every embedding of the organization.
-- Locks: ShareUpdateExclusive on the table; the drop waits for the queries that use the index.
-- Undo: run V0002 again.

DROP INDEX CONCURRENTLY public.transcript_chunks_embedding_idx;
