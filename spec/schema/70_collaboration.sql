-- One row is one Yjs document; document_name is unique within the tenant. state_vector is the compacted snapshot,
-- pending_updates counts the updates since. (entity_type, entity_id) points at any kind of row, without foreign key.
CREATE TABLE public.collab_documents (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT collab_documents_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE RESTRICT,
    document_name varchar(500) NOT NULL,
    state_vector bytea,
    pending_updates integer NOT NULL DEFAULT 0,
    title varchar(500),
    entity_type varchar(100),
    entity_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idx_collab_docs_tenant ON public.collab_documents (tenant_id);
CREATE UNIQUE INDEX idx_collab_docs_name ON public.collab_documents (tenant_id, document_name);
CREATE INDEX idx_collab_docs_entity ON public.collab_documents (entity_type, entity_id);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.collab_documents
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

ALTER TABLE public.collab_documents ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.collab_documents FROM PUBLIC, edusphere_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.collab_documents TO edusphere_app;

CREATE POLICY collab_docs_tenant_isolation ON public.collab_documents
    FOR ALL TO edusphere_app
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);

-- One row is one incremental Yjs update; seq orders the updates of a document. Append-only by intent.
CREATE TABLE public.crdt_updates (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT crdt_updates_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE RESTRICT,
    document_id uuid NOT NULL CONSTRAINT crdt_updates_document_id_collab_documents_id_fk REFERENCES public.collab_documents (id) ON DELETE CASCADE,
    update bytea NOT NULL,
    seq integer NOT NULL,
    user_id uuid CONSTRAINT crdt_updates_user_id_users_id_fk REFERENCES public.users (id) ON DELETE SET NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- Every policy filters on the tenant, so the tenant leads an index.
CREATE INDEX idx_crdt_updates_tenant ON public.crdt_updates (tenant_id);
CREATE INDEX idx_crdt_updates_doc ON public.crdt_updates (document_id);
CREATE INDEX idx_crdt_updates_doc_seq ON public.crdt_updates (document_id, seq);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.crdt_updates
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

ALTER TABLE public.crdt_updates ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.crdt_updates FROM PUBLIC, edusphere_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.crdt_updates TO edusphere_app;

CREATE POLICY crdt_updates_tenant_isolation ON public.crdt_updates
    FOR ALL TO edusphere_app
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);

-- One row is one open editing session. Ephemeral.
CREATE TABLE public.collab_sessions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT collab_sessions_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE RESTRICT,
    document_id uuid NOT NULL CONSTRAINT collab_sessions_document_id_collab_documents_id_fk REFERENCES public.collab_documents (id) ON DELETE CASCADE,
    user_id uuid NOT NULL CONSTRAINT collab_sessions_user_id_users_id_fk REFERENCES public.users (id) ON DELETE CASCADE,
    cursor_position jsonb,
    connected_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON COLUMN public.collab_sessions.cursor_position IS
    'x?, y?, timestamp?: seconds, pageNumber?, userName?, color?';

CREATE INDEX idx_collab_sessions_tenant ON public.collab_sessions (tenant_id);
CREATE INDEX idx_collab_sessions_doc ON public.collab_sessions (document_id);

CREATE TRIGGER set_last_seen_at BEFORE UPDATE ON public.collab_sessions
    FOR EACH ROW EXECUTE FUNCTION public.set_last_seen_at();

ALTER TABLE public.collab_sessions ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.collab_sessions FROM PUBLIC, edusphere_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.collab_sessions TO edusphere_app;

CREATE POLICY collab_sessions_tenant_isolation ON public.collab_sessions
    FOR ALL TO edusphere_app
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
