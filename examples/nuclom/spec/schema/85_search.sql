-- Search by meaning: pieces of transcripts with their embeddings, and the nodes of the knowledge graph. The HNSW index
-- is declared in spec/vectors.toml.

CREATE TABLE public.transcript_chunks (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    video_id text NOT NULL REFERENCES public.videos (id) ON DELETE CASCADE,
    organization_id text NOT NULL REFERENCES public.organizations (id) ON DELETE CASCADE,
    chunk_index integer NOT NULL,
    text text NOT NULL,
    token_count integer,
    timestamp_start integer,
    timestamp_end integer,
    speakers text[],
    embedding public.vector(1536),
    created_at timestamp NOT NULL DEFAULT now(),
    UNIQUE (video_id, chunk_index)
);

CREATE INDEX idx_transcript_chunks_organization_id ON public.transcript_chunks (organization_id);

CREATE TABLE public.knowledge_nodes (
    id text PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id text NOT NULL REFERENCES public.organizations (id) ON DELETE CASCADE,
    name text NOT NULL,
    embedding_vector public.vector(1536),
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);

CREATE INDEX idx_knowledge_nodes_organization_id ON public.knowledge_nodes (organization_id);
