-- One row is one document of a tenant's knowledge base. Without an embedding it is found by its words alone.
CREATE TABLE public.knowledge_documents (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT knowledge_documents_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE CASCADE,
    title text NOT NULL,
    content text NOT NULL,
    category text,
    embedding public.vector(1024),
    metadata jsonb, -- source?, url?, author?, tags?: text[]
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);
CREATE INDEX knowledge_tenant_idx ON public.knowledge_documents (tenant_id);
CREATE INDEX knowledge_category_idx ON public.knowledge_documents (category);

ALTER TABLE public.knowledge_documents ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.knowledge_documents FORCE ROW LEVEL SECURITY;
CREATE POLICY knowledge_documents_select ON public.knowledge_documents FOR SELECT USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY knowledge_documents_insert ON public.knowledge_documents FOR INSERT WITH CHECK (tenant_id = public.get_current_tenant_id());
CREATE POLICY knowledge_documents_update ON public.knowledge_documents FOR UPDATE USING (tenant_id = public.get_current_tenant_id());
CREATE POLICY knowledge_documents_delete ON public.knowledge_documents FOR DELETE USING (tenant_id = public.get_current_tenant_id());
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.knowledge_documents TO platform_app;

-- One row is one piece of a document, whose tenant is its own.
CREATE TABLE public.knowledge_chunks (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    document_id uuid NOT NULL CONSTRAINT knowledge_chunks_document_id_knowledge_documents_id_fk REFERENCES public.knowledge_documents (id) ON DELETE CASCADE,
    content text NOT NULL,
    embedding public.vector(1024) NOT NULL,
    position integer NOT NULL, -- order within the document
    metadata jsonb -- chunkSize?, overlapSize?
);

ALTER TABLE public.knowledge_chunks ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.knowledge_chunks FORCE ROW LEVEL SECURITY;
CREATE POLICY knowledge_chunks_select ON public.knowledge_chunks FOR SELECT USING (EXISTS (
        SELECT FROM public.knowledge_documents parent
        WHERE parent.id = knowledge_chunks.document_id AND parent.tenant_id = public.get_current_tenant_id()));
CREATE POLICY knowledge_chunks_insert ON public.knowledge_chunks FOR INSERT WITH CHECK (EXISTS (
        SELECT FROM public.knowledge_documents parent
        WHERE parent.id = knowledge_chunks.document_id AND parent.tenant_id = public.get_current_tenant_id()));
CREATE POLICY knowledge_chunks_update ON public.knowledge_chunks FOR UPDATE USING (EXISTS (
        SELECT FROM public.knowledge_documents parent
        WHERE parent.id = knowledge_chunks.document_id AND parent.tenant_id = public.get_current_tenant_id()));
CREATE POLICY knowledge_chunks_delete ON public.knowledge_chunks FOR DELETE USING (EXISTS (
        SELECT FROM public.knowledge_documents parent
        WHERE parent.id = knowledge_chunks.document_id AND parent.tenant_id = public.get_current_tenant_id()));
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.knowledge_chunks TO platform_app;
