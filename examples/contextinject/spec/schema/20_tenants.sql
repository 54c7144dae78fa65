-- One row is one customer. The table has no tenant_id: its own id is the tenant.
CREATE TABLE public.tenants (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name varchar(255) NOT NULL,
    slug varchar(63) NOT NULL CONSTRAINT tenants_slug_unique UNIQUE,
    plan public.plan NOT NULL DEFAULT 'free',
    region public.region NOT NULL DEFAULT 'us',
    settings jsonb NOT NULL DEFAULT '{}',
    stripe_customer_id varchar(255),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

ALTER TABLE public.tenants ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON public.tenants
    USING (id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.tenants TO ci_app;

-- One row is one person of one tenant. An address may belong to several tenants.
CREATE TABLE public.users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT users_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE CASCADE,
    email varchar(255) NOT NULL,
    name varchar(255) NOT NULL,
    role public.role NOT NULL DEFAULT 'member',
    password_hash varchar(255) NOT NULL,
    email_verified boolean NOT NULL DEFAULT false,
    last_login_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX users_tenant_idx ON public.users (tenant_id);
CREATE INDEX users_email_idx ON public.users (tenant_id, email) WHERE email_verified = true;

ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON public.users
    USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.users TO ci_app;

-- One row is one key of a tenant; the key itself is not kept.
CREATE TABLE public.api_keys (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT api_keys_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE CASCADE,
    key_hash varchar(64) NOT NULL, -- SHA-256 in hexadecimal
    prefix varchar(20) NOT NULL, -- what is shown of the key
    name varchar(100) NOT NULL,
    scopes jsonb NOT NULL DEFAULT '[]',
    environment public.api_key_env NOT NULL DEFAULT 'live',
    last_used_at timestamptz,
    expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX api_keys_hash_idx ON public.api_keys (key_hash);
CREATE INDEX api_keys_tenant_idx ON public.api_keys (tenant_id);

ALTER TABLE public.api_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON public.api_keys
    USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.api_keys TO ci_app;
