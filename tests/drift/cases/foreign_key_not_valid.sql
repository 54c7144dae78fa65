-- finds: constraint-not-validated | constraint courses_tenant_id_tenants_id_fk on public.courses
UPDATE pg_constraint SET convalidated = false WHERE conname = 'courses_tenant_id_tenants_id_fk';
