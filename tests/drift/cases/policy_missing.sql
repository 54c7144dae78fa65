-- finds: policy-missing | policy tenants_update_own on public.tenants
DROP POLICY tenants_update_own ON public.tenants;
