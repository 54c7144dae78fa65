-- Shared by every table: the ten enumerations, the two trigger functions, and the one way into a tenant's context.

CREATE TYPE public.user_role AS ENUM ('super_admin', 'org_admin', 'instructor', 'student', 'researcher');
CREATE TYPE public.media_type AS ENUM ('video', 'audio', 'pdf', 'image', 'document');
CREATE TYPE public.transcription_status AS ENUM ('pending', 'processing', 'completed', 'failed');
CREATE TYPE public.annotation_type AS ENUM ('text', 'sketch', 'link', 'bookmark', 'spatial_comment');
CREATE TYPE public.annotation_layer AS ENUM ('personal', 'shared', 'instructor', 'ai_generated');
CREATE TYPE public.agent_template AS ENUM ('chavruta', 'summarizer', 'quiz_master', 'research_scout', 'explainer', 'custom');
-- No column has the next two types: their values appear inside agent_definitions.config.
CREATE TYPE public.agent_trigger AS ENUM ('manual', 'on_annotation', 'on_new_content', 'scheduled');
CREATE TYPE public.agent_output_format AS ENUM ('chat', 'overlay', 'side_panel', 'notification');
CREATE TYPE public.execution_status AS ENUM ('queued', 'running', 'completed', 'failed', 'cancelled');
CREATE TYPE public.tenant_plan AS ENUM ('free', 'starter', 'professional', 'enterprise');

-- A value given in the UPDATE wins; otherwise the time of the transaction is written.
-- (Giving the old value again cannot be told from giving none, and is refreshed too.)
CREATE FUNCTION public.set_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = ''
AS $function$
BEGIN
    IF NEW.updated_at IS NOT DISTINCT FROM OLD.updated_at THEN
        NEW.updated_at := now();
    END IF;
    RETURN NEW;
END
$function$;

CREATE FUNCTION public.set_last_seen_at() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = ''
AS $function$
BEGIN
    IF NEW.last_seen_at IS NOT DISTINCT FROM OLD.last_seen_at THEN
        NEW.last_seen_at := now();
    END IF;
    RETURN NEW;
END
$function$;

-- Enters a tenant's context: both settings, then the application role, all three for the running transaction only.
-- Call it as the first statement of a transaction, as the login role. COMMIT and ROLLBACK undo it, so a transaction
-- pooler may hand the connection on. Outside a transaction it has no effect on the next statement, which then runs as
-- the login role and is refused everything.
-- It has no SET clause on purpose: a function with one restores, when it returns, what it has set with is_local.
-- Every name inside is therefore written with its schema. SECURITY INVOKER: the caller must itself be allowed to
-- become edusphere_app. The application role cannot call it, so the tenant is not changed half-way by this door.
CREATE FUNCTION public.run_as_tenant(p_tenant_id uuid, p_user_id uuid) RETURNS void
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
AS $function$
BEGIN
    IF p_tenant_id IS NULL THEN
        RAISE EXCEPTION 'run_as_tenant needs a tenant'
            USING ERRCODE = 'null_value_not_allowed',
                  HINT = 'Pass the id of the tenant that the request belongs to.';
    END IF;
    PERFORM pg_catalog.set_config('app.current_tenant', p_tenant_id::pg_catalog.text, true);
    -- No user: the own-row policies then admit nothing, the tenant-wide ones work.
    PERFORM pg_catalog.set_config('app.current_user', COALESCE(p_user_id::pg_catalog.text, ''), true);
    PERFORM pg_catalog.set_config('role', 'edusphere_app', true);
END
$function$;

COMMENT ON FUNCTION public.run_as_tenant(uuid, uuid) IS
    'Enters a tenant''s context for the running transaction: settings app.current_tenant and app.current_user, then role edusphere_app.';

REVOKE ALL ON FUNCTION public.set_updated_at() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.set_last_seen_at() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.run_as_tenant(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.run_as_tenant(uuid, uuid) TO edusphere_login;
