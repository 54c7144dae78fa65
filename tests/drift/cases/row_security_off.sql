-- finds: table-row-security | table public.users
ALTER TABLE public.users DISABLE ROW LEVEL SECURITY;
