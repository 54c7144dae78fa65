-- finds: table-owner | table public.courses
ALTER TABLE public.courses OWNER TO zoo_owner;
