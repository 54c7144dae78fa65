-- finds: column-grants | column public.users.role
GRANT UPDATE (role) ON public.users TO zoo_reader;
