-- One row is one mark that a person or an agent made on an asset: a note, a sketch, a link, a bookmark, a comment.
-- Anchors: timestamp_* in seconds, spatial_* from 0 to 1, page_number and text_range_* for PDF. parent_id makes replies.
-- agent_id has no foreign key: EduSphere prints none.
CREATE TABLE public.annotations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT annotations_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE RESTRICT,
    user_id uuid NOT NULL CONSTRAINT annotations_user_id_users_id_fk REFERENCES public.users (id) ON DELETE CASCADE,
    asset_id uuid NOT NULL CONSTRAINT annotations_asset_id_media_assets_id_fk REFERENCES public.media_assets (id) ON DELETE CASCADE,
    type public.annotation_type NOT NULL,
    layer public.annotation_layer NOT NULL DEFAULT 'personal',
    content text,
    sketch_data jsonb,
    timestamp_start real,
    timestamp_end real,
    spatial_x real,
    spatial_y real,
    page_number integer,
    text_range_start integer,
    text_range_end integer,
    parent_id uuid CONSTRAINT annotations_parent_id_annotations_id_fk REFERENCES public.annotations (id) ON DELETE CASCADE,
    agent_id uuid,
    metadata jsonb DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

COMMENT ON COLUMN public.annotations.sketch_data IS
    'stage: Konva.js export, canvasWidth, canvasHeight, frameTimestamp?: seconds';
COMMENT ON COLUMN public.annotations.metadata IS
    'color?, pinned?, resolvedAt?, linkedConceptIds?: uuid[], aiConfidence?';

CREATE INDEX idx_annotations_tenant ON public.annotations (tenant_id);
CREATE INDEX idx_annotations_user ON public.annotations (user_id);
CREATE INDEX idx_annotations_asset ON public.annotations (asset_id);
CREATE INDEX idx_annotations_asset_time ON public.annotations (asset_id, timestamp_start);
CREATE INDEX idx_annotations_layer ON public.annotations (layer);
CREATE INDEX idx_annotations_parent ON public.annotations (parent_id);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.annotations
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

ALTER TABLE public.annotations ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.annotations FROM PUBLIC, edusphere_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.annotations TO edusphere_app;

-- Everyone of the tenant reads and adds; only the author changes and deletes.
CREATE POLICY annotations_select_tenant ON public.annotations
    FOR SELECT TO edusphere_app
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
CREATE POLICY annotations_insert_tenant ON public.annotations
    FOR INSERT TO edusphere_app
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
CREATE POLICY annotations_update_own ON public.annotations
    FOR UPDATE TO edusphere_app
    USING (
        tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid
        AND user_id = NULLIF(current_setting('app.current_user', true), '')::uuid
    )
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
CREATE POLICY annotations_delete_own ON public.annotations
    FOR DELETE TO edusphere_app
    USING (
        tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid
        AND user_id = NULLIF(current_setting('app.current_user', true), '')::uuid
    );
