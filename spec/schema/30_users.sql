-- One row is one person of one tenant, synchronized from Keycloak. email is not unique; keycloak_user_id is, globally.
CREATE TABLE public.users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT users_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE RESTRICT,
    keycloak_user_id varchar(255) NOT NULL CONSTRAINT users_keycloak_user_id_unique UNIQUE,
    email varchar(320) NOT NULL,
    display_name varchar(255) NOT NULL,
    avatar_url varchar(2048),
    role public.user_role NOT NULL DEFAULT 'student',
    is_active boolean NOT NULL DEFAULT true,
    preferences jsonb DEFAULT '{}',
    offline_sync_token varchar(500),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

COMMENT ON COLUMN public.users.preferences IS
    'language?, theme?: light|dark|system, defaultAnnotationLayer?, notificationsEnabled?, agentDefaults?: {difficulty?, personality?}';

CREATE INDEX idx_users_tenant ON public.users (tenant_id);
CREATE INDEX idx_users_email ON public.users (email);
-- Doubles the index of users_keycloak_user_id_unique; EduSphere lists it, so it stays.
CREATE INDEX idx_users_keycloak ON public.users (keycloak_user_id);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.users
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.users FROM PUBLIC, edusphere_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.users TO edusphere_app;

-- No policy for DELETE: users are soft-deleted through deleted_at.
CREATE POLICY users_select_same_tenant ON public.users
    FOR SELECT TO edusphere_app
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
CREATE POLICY users_insert_same_tenant ON public.users
    FOR INSERT TO edusphere_app
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
CREATE POLICY users_update_same_tenant ON public.users
    FOR UPDATE TO edusphere_app
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
