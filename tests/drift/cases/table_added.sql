-- finds: table-unexpected | table public.stray
CREATE TABLE public.stray (a int);
