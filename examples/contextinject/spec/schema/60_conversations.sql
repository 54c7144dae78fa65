-- One row is one conversation about a project's documents.
CREATE TABLE public.conversations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT conversations_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE CASCADE,
    project_id uuid NOT NULL CONSTRAINT conversations_project_id_projects_id_fk REFERENCES public.projects (id) ON DELETE CASCADE,
    user_id uuid CONSTRAINT conversations_user_id_users_id_fk REFERENCES public.users (id) ON DELETE SET NULL,
    title text,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX conversations_tenant_project_idx ON public.conversations (tenant_id, project_id);

ALTER TABLE public.conversations ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON public.conversations
    USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.conversations TO ci_app;
