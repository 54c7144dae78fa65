-- edu: no-transaction
-- Intent: the three HNSW indexes for cosine distance, as spec/vectors.toml declares them.
-- Locks: ShareUpdateExclusive on one table at a time; reads and writes go on, ALTER TABLE waits. Each build also waits
--   for older transactions. A build that is broken off leaves an invalid index: there is no IF NOT EXISTS here, which
--   would take such a leftover for a finished index; edu finds and removes it.
-- Undo: V0002__vector_indexes.down.sql drops the three indexes; no row is lost.

CREATE INDEX CONCURRENTLY idx_content_emb_hnsw
    ON public.content_embeddings
    USING hnsw (embedding public.vector_cosine_ops)
    WITH (m = 16, ef_construction = 200);

CREATE INDEX CONCURRENTLY idx_annotation_emb_hnsw
    ON public.annotation_embeddings
    USING hnsw (embedding public.vector_cosine_ops)
    WITH (m = 16, ef_construction = 200);

CREATE INDEX CONCURRENTLY idx_concept_emb_hnsw
    ON public.concept_embeddings
    USING hnsw (embedding public.vector_cosine_ops)
    WITH (m = 16, ef_construction = 200);
