-- finds: trigger-missing | trigger set_updated_at on public.tenants
DROP TRIGGER set_updated_at ON public.tenants;
