-- finds: table-forced | table public.users
ALTER TABLE public.users FORCE ROW LEVEL SECURITY;
