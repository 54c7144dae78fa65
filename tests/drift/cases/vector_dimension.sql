-- finds: column-type | column public.concept_embeddings.embedding
ALTER TABLE public.concept_embeddings ALTER COLUMN embedding TYPE vector(384);
