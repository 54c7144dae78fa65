-- finds: table-options | table public.users
ALTER TABLE public.users SET (autovacuum_enabled = false);
