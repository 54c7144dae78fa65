-- finds: column-unexpected | column public.users.stray
ALTER TABLE public.users ADD COLUMN stray text;
