-- finds: trigger-enabled | trigger set_updated_at on public.users
ALTER TABLE public.users DISABLE TRIGGER set_updated_at;
