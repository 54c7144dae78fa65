-- finds: table-grants | table public.tenants
GRANT TRUNCATE ON public.tenants TO edusphere_app;
