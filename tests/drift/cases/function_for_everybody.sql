-- finds: function-grants | function public.run_as_tenant(uuid, uuid)
GRANT EXECUTE ON FUNCTION public.run_as_tenant(uuid, uuid) TO PUBLIC;
