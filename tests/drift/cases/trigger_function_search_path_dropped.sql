-- finds: function-settings | function public.set_updated_at()
ALTER FUNCTION public.set_updated_at() RESET ALL;
