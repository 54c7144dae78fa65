-- Intent: 7 enumerations, 11 tables, 21 indexes. Nobody but the owner may use them before V0002 has bound them to tenants.
-- Locks: new objects only; ShareRowExclusive on tables made in this same file where a foreign key points at them.
-- Undo: V0001__schema.down.sql drops it all, rows included.
-- Names: unique constraints <table>_<column>_unique and foreign keys <table>_<column>_<referenced table>_id_fk as
--   drizzle-kit names them, indexes as the document does. projects, connectors, query_logs, usage_events and
--   conversations are named there and not described; what stands here is the least that the rest refers to.

CREATE TYPE public.plan AS ENUM ('free', 'starter', 'pro', 'enterprise');
CREATE TYPE public.region AS ENUM ('us', 'eu', 'apac');
CREATE TYPE public.role AS ENUM ('owner', 'admin', 'member', 'viewer');
CREATE TYPE public.document_status AS ENUM ('pending', 'processing', 'embedding', 'indexed', 'failed', 'deleted');
CREATE TYPE public.connector_type AS ENUM ('notion', 'slack', 'gmail', 'github', 'confluence', 'jira', 'sharepoint', 'google-drive', 'web-crawler', 'direct-upload');
CREATE TYPE public.connector_status AS ENUM ('active', 'paused', 'error', 'disconnected');
CREATE TYPE public.api_key_env AS ENUM ('live', 'test');

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
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX chunks_document_idx ON public.chunks (document_id);
CREATE INDEX chunks_tenant_project_idx ON public.chunks (tenant_id, project_id);
CREATE INDEX chunks_vector_id_idx ON public.chunks (vector_id);

-- One row is one question that was asked. It outlives what it mentions.
CREATE TABLE public.query_logs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL,
    project_id uuid NOT NULL,
    user_id uuid,
    api_key_id uuid,
    query text NOT NULL,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX query_logs_tenant_project_idx ON public.query_logs (tenant_id, project_id);
CREATE INDEX query_logs_created_at_idx ON public.query_logs (created_at);

-- One row is one thing that is counted for the bill. It outlives what it mentions.
CREATE TABLE public.usage_events (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL,
    event_type varchar(100) NOT NULL,
    quantity integer NOT NULL DEFAULT 1,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX usage_events_tenant_idx ON public.usage_events (tenant_id);
CREATE INDEX usage_events_created_at_idx ON public.usage_events (created_at);

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

-- One row is one action that somebody took. It refers to nothing, so that nothing takes it away.
CREATE TABLE public.audit_logs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL,
    user_id uuid,
    api_key_id uuid,
    action varchar(100) NOT NULL,
    resource_type varchar(50) NOT NULL,
    resource_id uuid,
    metadata jsonb NOT NULL DEFAULT '{}',
    ip_address varchar(45), -- the longest IPv6 address
    user_agent text,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX audit_logs_tenant_idx ON public.audit_logs (tenant_id);
CREATE INDEX audit_logs_created_at_idx ON public.audit_logs (created_at);
CREATE INDEX audit_logs_action_idx ON public.audit_logs (tenant_id, action);
