-- finds: index-options | index idx_concept_emb_hnsw on public.concept_embeddings
ALTER INDEX public.idx_concept_emb_hnsw SET (m = 8);
