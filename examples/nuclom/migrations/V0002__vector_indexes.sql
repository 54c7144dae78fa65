-- edu: no-transaction
-- Intent: the HNSW index for cosine distance, as spec/vectors.toml declares it.
-- Locks: ShareUpdateExclusive on the table; reads and writes go on, ALTER TABLE waits. The build also waits for older
--   transactions. One that is broken off leaves an invalid index: there is no IF NOT EXISTS here, which would take such
--   a leftover for a finished index; edu finds and removes it.
-- Undo: V0002__vector_indexes.down.sql drops the index; no row is lost.

CREATE INDEX CONCURRENTLY transcript_chunks_embedding_idx
    ON public.transcript_chunks
    USING hnsw (embedding public.vector_cosine_ops)
    WITH (m = 16, ef_construction = 64);
