-- finds: index-missing | index idx_annotation_emb_hnsw on public.annotation_embeddings
DROP INDEX public.idx_annotation_emb_hnsw;
