-- edu: no-transaction
-- Intent: the two HNSW indexes for cosine distance, as spec/vectors.toml declares them.
-- Locks: ShareUpdateExclusive on one table at a time; reads and writes go on. A build that is broken off leaves an
--   invalid index, which edu finds and removes.
-- Undo: V0002__vector_indexes.down.sql drops both; no row is lost.

CREATE INDEX CONCURRENTLY knowledge_embedding_idx
    ON public.knowledge_documents
    USING hnsw (embedding public.vector_cosine_ops)
    WITH (m = 16, ef_construction = 64);

CREATE INDEX CONCURRENTLY knowledge_chunk_embedding_idx
    ON public.knowledge_chunks
    USING hnsw (embedding public.vector_cosine_ops)
    WITH (m = 16, ef_construction = 64);
