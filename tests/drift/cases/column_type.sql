-- finds: column-type | column public.users.avatar_url
ALTER TABLE public.users ALTER COLUMN avatar_url TYPE varchar(10);
