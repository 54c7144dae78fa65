-- One row is one document. It outlives the connector that fetched it.
CREATE TABLE public.documents (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT documents_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE CASCADE,
    project_id uuid NOT NULL CONSTRAINT documents_project_id_projects_id_fk REFERENCES public.projects (id) ON DELETE CASCADE,
    connector_id uuid CONSTRAINT documents_connector_id_connectors_id_fk REFERENCES public.connectors (id) ON DELETE SET NULL,
    connector_type public.connector_type NOT NULL,
    external_id varchar(255),
    title text NOT NULL,
    source_url text,
    mime_type varchar(100) NOT NULL,
    size_bytes integer NOT NULL DEFAULT 0,
    content_hash varchar(64) NOT NULL,
    status public.document_status NOT NULL DEFAULT 'pending',
    chunk_count integer NOT NULL DEFAULT 0,
    token_count integer NOT NULL DEFAULT 0,
    metadata jsonb NOT NULL DEFAULT '{}',
    access_control jsonb NOT NULL DEFAULT '{"isPublic": false}',
    error_message text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    indexed_at timestamptz,
    deleted_at timestamptz
);
CREATE INDEX documents_tenant_project_idx ON public.documents (tenant_id, project_id);
CREATE INDEX documents_status_idx ON public.documents (status);
CREATE INDEX documents_content_hash_idx ON public.documents (tenant_id, content_hash);
CREATE INDEX documents_external_id_idx ON public.documents (tenant_id, external_id);

ALTER TABLE public.documents ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON public.documents
    USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.documents TO ci_app;

-- One row is one piece of a document. Tenant and project are copied here, so that policies and searches need no join.
CREATE TABLE public.chunks (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    document_id uuid NOT NULL CONSTRAINT chunks_document_id_documents_id_fk REFERENCES public.documents (id) ON DELETE CASCADE,
    tenant_id uuid NOT NULL,
    project_id uuid NOT NULL,
    content text NOT NULL,
    token_count integer NOT NULL,
    chunk_index integer NOT NULL,
    vector_id varchar(255) NOT NULL,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    embedding public.vector(1024)
);
CREATE INDEX chunks_document_idx ON public.chunks (document_id);
CREATE INDEX chunks_tenant_project_idx ON public.chunks (tenant_id, project_id);
CREATE INDEX chunks_vector_id_idx ON public.chunks (vector_id);

ALTER TABLE public.chunks ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON public.chunks
    USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.chunks TO ci_app;
