-- finds: constraint-missing | constraint crdt_updates_pkey on public.crdt_updates
ALTER TABLE public.crdt_updates DROP CONSTRAINT crdt_updates_pkey;
