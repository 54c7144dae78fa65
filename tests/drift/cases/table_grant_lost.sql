-- finds: table-grants | table public.courses
REVOKE DELETE ON public.courses FROM edusphere_app;
