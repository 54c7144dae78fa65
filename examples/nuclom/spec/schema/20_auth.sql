-- Users, organizations, memberships: managed by better-auth, which writes them over a connection of its own. The
-- application reads them. What the application wants to know about a user goes into 30_user_extensions.sql.

CREATE TABLE public.users (
    id text PRIMARY KEY DEFAULT gen_random_uuid(),
    email text NOT NULL UNIQUE,
    name text,
    avatar_url text,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);

CREATE TABLE public.organizations (
    id text PRIMARY KEY DEFAULT gen_random_uuid(),
    name text NOT NULL,
    slug text NOT NULL UNIQUE,
    description text,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);

-- One row: this user belongs to this organization, in this role.
CREATE TABLE public.organization_users (
    id text PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id text NOT NULL REFERENCES public.users (id) ON DELETE CASCADE,
    organization_id text NOT NULL REFERENCES public.organizations (id) ON DELETE CASCADE,
    role public."OrganizationRole" NOT NULL DEFAULT 'MEMBER',
    created_at timestamp NOT NULL DEFAULT now(),
    UNIQUE (user_id, organization_id)
);

CREATE INDEX idx_organization_users_organization_id ON public.organization_users (organization_id);

-- The organizations of the session's user. Every policy asks this function, and no policy reads organization_users
-- itself: a policy on organization_users that did would recurse without end. SECURITY DEFINER is what ends the
-- recursion: the owner is not bound by the policies. It takes no user as an argument and tells nothing that the
-- session's user could not know.
CREATE FUNCTION public.current_user_org_ids() RETURNS SETOF text
    LANGUAGE sql
    STABLE
    PARALLEL SAFE
    SECURITY DEFINER
    ROWS 10
    SET search_path = ''
AS $function$
    SELECT m.organization_id FROM public.organization_users AS m
    WHERE m.user_id = NULLIF(pg_catalog.current_setting('app.current_user_id', true), '')
$function$;

-- Those of them in which the user has at least the role.
CREATE FUNCTION public.current_user_org_ids_as(p_least_role public."OrganizationRole") RETURNS SETOF text
    LANGUAGE sql
    STABLE
    PARALLEL SAFE
    SECURITY DEFINER
    ROWS 10
    SET search_path = ''
AS $function$
    SELECT m.organization_id FROM public.organization_users AS m
    WHERE m.user_id = NULLIF(pg_catalog.current_setting('app.current_user_id', true), '')
      AND m.role <= p_least_role
$function$;

-- Who else is in the session's organizations: a name and a picture for each. users itself shows a user nobody else,
-- so that e-mail addresses stay private. It asks whose organizations they are as every policy does.
CREATE FUNCTION public.fellow_members() RETURNS TABLE (
    organization_id text, user_id text, role public."OrganizationRole", name text, avatar_url text
)
    LANGUAGE sql
    STABLE
    PARALLEL SAFE
    SECURITY DEFINER
    SET search_path = ''
AS $function$
    SELECT m.organization_id, u.id, m.role, u.name, u.avatar_url
    FROM public.organization_users AS m
    JOIN public.users AS u ON u.id = m.user_id
    WHERE m.organization_id = ANY (ARRAY(SELECT public.current_user_org_ids()))
$function$;

-- Enters a user's context: the setting, then the application role, both for the running transaction only. Call it as
-- the first statement of a transaction, as the login role. It has no SET clause on purpose: a function with one
-- restores, when it returns, what it has set with is_local. The application role cannot call it.
CREATE FUNCTION public.run_as_user(p_user_id text) RETURNS void
    LANGUAGE plpgsql
    VOLATILE
    SECURITY INVOKER
AS $function$
BEGIN
    IF COALESCE(p_user_id, '') = '' THEN
        RAISE EXCEPTION 'run_as_user needs a user'
            USING ERRCODE = 'null_value_not_allowed',
                  HINT = 'Pass the id of the user that the request belongs to.';
    END IF;
    PERFORM pg_catalog.set_config('app.current_user_id', p_user_id, true);
    PERFORM pg_catalog.set_config('role', 'nuclom_app', true);
END
$function$;

REVOKE ALL ON FUNCTION public.current_user_org_ids() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.current_user_org_ids_as(public."OrganizationRole") FROM PUBLIC;
REVOKE ALL ON FUNCTION public.fellow_members() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.run_as_user(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.current_user_org_ids() TO nuclom_app;
GRANT EXECUTE ON FUNCTION public.current_user_org_ids_as(public."OrganizationRole") TO nuclom_app;
GRANT EXECUTE ON FUNCTION public.fellow_members() TO nuclom_app;
GRANT EXECUTE ON FUNCTION public.run_as_user(text) TO nuclom_login;
