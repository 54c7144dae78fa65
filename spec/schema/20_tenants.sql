-- One row is one organization. The table has no tenant_id: its own id is the tenant.
CREATE TABLE public.tenants (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name varchar(255) NOT NULL,
    slug varchar(100) NOT NULL CONSTRAINT tenants_slug_unique UNIQUE,
    plan public.tenant_plan NOT NULL DEFAULT 'free',
    is_active boolean NOT NULL DEFAULT true,
    max_users integer NOT NULL DEFAULT 50,
    settings jsonb DEFAULT '{}',
    keycloak_org_id varchar(255) CONSTRAINT tenants_keycloak_org_id_unique UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

COMMENT ON COLUMN public.tenants.settings IS
    'defaultLanguage?, allowedLlmProviders?: text[], maxStorageGb?, customOntologyFields?: {name, type}[], brandingColors?: {primary, secondary}';

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.tenants
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

ALTER TABLE public.tenants ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.tenants FROM PUBLIC, edusphere_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.tenants TO edusphere_app;

-- No policy for INSERT and DELETE: both are denied to the application role. Tenants are made and removed by the owner.
CREATE POLICY tenants_select_own ON public.tenants
    FOR SELECT TO edusphere_app
    USING (id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
CREATE POLICY tenants_update_own ON public.tenants
    FOR UPDATE TO edusphere_app
    USING (id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
