-- The vector indexes of these three tables are declared in spec/vectors.toml.

-- One row is one embedded piece of an asset; chunk_index counts the pieces where a text was split.
CREATE TABLE public.content_embeddings (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT content_embeddings_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE RESTRICT,
    segment_id uuid CONSTRAINT content_embeddings_segment_id_transcript_segments_id_fk REFERENCES public.transcript_segments (id) ON DELETE CASCADE,
    asset_id uuid NOT NULL CONSTRAINT content_embeddings_asset_id_media_assets_id_fk REFERENCES public.media_assets (id) ON DELETE CASCADE,
    source_text text NOT NULL,
    embedding public.vector(768) NOT NULL,
    model_name varchar(100) NOT NULL,
    chunk_index integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idx_content_emb_tenant ON public.content_embeddings (tenant_id);
CREATE INDEX idx_content_emb_asset ON public.content_embeddings (asset_id);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.content_embeddings
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

ALTER TABLE public.content_embeddings ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.content_embeddings FROM PUBLIC, edusphere_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.content_embeddings TO edusphere_app;

CREATE POLICY content_embeddings_tenant_isolation ON public.content_embeddings
    FOR ALL TO edusphere_app
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);

-- One row is one embedded annotation.
CREATE TABLE public.annotation_embeddings (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT annotation_embeddings_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE RESTRICT,
    annotation_id uuid NOT NULL CONSTRAINT annotation_embeddings_annotation_id_annotations_id_fk REFERENCES public.annotations (id) ON DELETE CASCADE,
    source_text text NOT NULL,
    embedding public.vector(768) NOT NULL,
    model_name varchar(100) NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idx_annotation_emb_tenant ON public.annotation_embeddings (tenant_id);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.annotation_embeddings
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

ALTER TABLE public.annotation_embeddings ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.annotation_embeddings FROM PUBLIC, edusphere_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.annotation_embeddings TO edusphere_app;

CREATE POLICY annotation_embeddings_tenant_isolation ON public.annotation_embeddings
    FOR ALL TO edusphere_app
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);

-- One row is one embedded concept: label, description and aliases. concept_id is the property "id" of a Concept vertex,
-- which no foreign key can reach; edu looks for rows without a vertex.
CREATE TABLE public.concept_embeddings (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT concept_embeddings_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE RESTRICT,
    concept_id uuid NOT NULL,
    source_text text NOT NULL,
    embedding public.vector(768) NOT NULL,
    model_name varchar(100) NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idx_concept_emb_tenant ON public.concept_embeddings (tenant_id);
CREATE INDEX idx_concept_emb_concept ON public.concept_embeddings (concept_id);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.concept_embeddings
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

ALTER TABLE public.concept_embeddings ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.concept_embeddings FROM PUBLIC, edusphere_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.concept_embeddings TO edusphere_app;

CREATE POLICY concept_embeddings_tenant_isolation ON public.concept_embeddings
    FOR ALL TO edusphere_app
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
