-- finds: column-missing | column public.users.avatar_url
ALTER TABLE public.users DROP COLUMN avatar_url;
