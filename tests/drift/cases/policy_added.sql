-- finds: policy-unexpected | policy all_rows on public.tenants
CREATE POLICY all_rows ON public.tenants FOR SELECT TO edusphere_app USING (true);
