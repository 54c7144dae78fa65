-- One row is one course of a tenant; forked_from_id names the course it was copied from.
CREATE TABLE public.courses (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT courses_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE RESTRICT,
    creator_id uuid CONSTRAINT courses_creator_id_users_id_fk REFERENCES public.users (id) ON DELETE SET NULL,
    title varchar(500) NOT NULL,
    description text,
    syllabus_json jsonb DEFAULT '[]',
    version integer NOT NULL DEFAULT 1,
    is_published boolean NOT NULL DEFAULT false,
    forked_from_id uuid CONSTRAINT courses_forked_from_id_courses_id_fk REFERENCES public.courses (id) ON DELETE SET NULL,
    tags jsonb DEFAULT '[]',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

COMMENT ON COLUMN public.courses.syllabus_json IS
    'array of {title, description?, moduleIds?: uuid[], order}';

CREATE INDEX idx_courses_tenant ON public.courses (tenant_id);
CREATE INDEX idx_courses_creator ON public.courses (creator_id);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.courses
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

ALTER TABLE public.courses ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.courses FROM PUBLIC, edusphere_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.courses TO edusphere_app;

CREATE POLICY courses_select_same_tenant ON public.courses
    FOR SELECT TO edusphere_app
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
CREATE POLICY courses_insert_same_tenant ON public.courses
    FOR INSERT TO edusphere_app
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
CREATE POLICY courses_update_same_tenant ON public.courses
    FOR UPDATE TO edusphere_app
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
CREATE POLICY courses_delete_same_tenant ON public.courses
    FOR DELETE TO edusphere_app
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);

-- One row is one part of a course; order_index sorts the parts.
CREATE TABLE public.modules (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL CONSTRAINT modules_tenant_id_tenants_id_fk REFERENCES public.tenants (id) ON DELETE RESTRICT,
    course_id uuid NOT NULL CONSTRAINT modules_course_id_courses_id_fk REFERENCES public.courses (id) ON DELETE CASCADE,
    title varchar(500) NOT NULL,
    description text,
    order_index integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idx_modules_tenant ON public.modules (tenant_id);
CREATE INDEX idx_modules_course ON public.modules (course_id);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.modules
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

ALTER TABLE public.modules ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.modules FROM PUBLIC, edusphere_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.modules TO edusphere_app;

CREATE POLICY modules_tenant_isolation ON public.modules
    FOR ALL TO edusphere_app
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
