-- edu: no-transaction
-- Intent: optional, with V0003: the HNSW index for cosine distance, as spec/vectors.toml declares it.
-- Locks: ShareUpdateExclusive on chunks; reads and writes go on. A build that is broken off leaves an invalid index. There
--   is no IF NOT EXISTS here, which would take it for a finished one; edu finds and removes it.
-- Undo: V0004__chunk_embedding_index.down.sql drops it; no row is lost.

CREATE INDEX CONCURRENTLY chunks_embedding_hnsw_idx
    ON public.chunks
    USING hnsw (embedding public.vector_cosine_ops)
    WITH (m = 16, ef_construction = 200);
