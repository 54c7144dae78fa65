-- finds: column-default | column public.tenants.max_users
ALTER TABLE public.tenants ALTER COLUMN max_users SET DEFAULT 100000;
