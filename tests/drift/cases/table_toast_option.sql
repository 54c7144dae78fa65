-- finds: table-toast-options | table public.users
ALTER TABLE public.users SET (toast.autovacuum_enabled = false);
