-- finds: policy-roles | policy tenants_select_own on public.tenants
ALTER POLICY tenants_select_own ON public.tenants TO PUBLIC;
