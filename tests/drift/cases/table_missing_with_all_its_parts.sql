-- finds: table-missing | table public.crdt_updates
DROP TABLE public.crdt_updates;
