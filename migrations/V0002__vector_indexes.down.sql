-- edu: no-transaction
-- Intent: undoes V0002. Searches work without the indexes, by reading every embedding of the tenant.
-- Locks: ShareUpdateExclusive on one table at a time; each drop waits for the queries that use the index.
-- Undo: run V0002 again.

DROP INDEX CONCURRENTLY public.idx_concept_emb_hnsw;

DROP INDEX CONCURRENTLY public.idx_annotation_emb_hnsw;

DROP INDEX CONCURRENTLY public.idx_content_emb_hnsw;
