-- finds: index-definition | index idx_content_emb_hnsw on public.content_embeddings
DROP INDEX public.idx_content_emb_hnsw; CREATE INDEX idx_content_emb_hnsw ON public.content_embeddings USING hnsw (embedding vector_l2_ops) WITH (m = 16, ef_construction = 200);
