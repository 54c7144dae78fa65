-- finds: column-not-null | column public.users.email
ALTER TABLE public.users ALTER COLUMN email DROP NOT NULL;
