-- Whose key a hash is, before the tenant is known: without one the policies show no row. Runs as the owner, looks for
-- exactly this hash, and gives what a request goes on with. An expired key is none.
CREATE OR REPLACE FUNCTION public.find_api_key(p_key_hash text)
RETURNS TABLE (api_key_id uuid, tenant_id uuid, scopes jsonb, environment public.api_key_env)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT k.id, k.tenant_id, k.scopes, k.environment FROM public.api_keys k
    WHERE k.key_hash = p_key_hash AND (k.expires_at IS NULL OR k.expires_at > pg_catalog.now());
$function$;
REVOKE ALL ON FUNCTION public.find_api_key(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.find_api_key(text) TO ci_app;
