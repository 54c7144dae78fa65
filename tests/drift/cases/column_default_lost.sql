-- finds: column-default | column public.users.id
ALTER TABLE public.users ALTER COLUMN id DROP DEFAULT;
