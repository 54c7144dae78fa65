-- One row is one project of a tenant.
CREATE TABLE public.projects (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT projects_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE CASCADE,
    name varchar(255) NOT NULL,
    description text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX projects_tenant_idx ON public.projects (tenant_id);

ALTER TABLE public.projects ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON public.projects
    USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.projects TO ci_app;

-- One row is one source that documents are fetched from.
CREATE TABLE public.connectors (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT connectors_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE CASCADE,
    project_id uuid NOT NULL CONSTRAINT connectors_project_id_projects_id_fk REFERENCES public.projects (id) ON DELETE CASCADE,
    type public.connector_type NOT NULL,
    status public.connector_status NOT NULL DEFAULT 'active',
    name varchar(255) NOT NULL,
    config jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX connectors_tenant_project_idx ON public.connectors (tenant_id, project_id);

ALTER TABLE public.connectors ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON public.connectors
    USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.connectors TO ci_app;
