-- finds: constraint-missing | constraint tenants_slug_unique on public.tenants
ALTER TABLE public.tenants DROP CONSTRAINT tenants_slug_unique;
