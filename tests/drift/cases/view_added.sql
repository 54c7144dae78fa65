-- finds: view-unexpected | view zoo.leak
CREATE VIEW zoo.leak AS SELECT * FROM public.users; REVOKE ALL ON zoo.leak FROM PUBLIC;
