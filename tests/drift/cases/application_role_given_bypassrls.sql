-- finds: role-bypass-rls | role edusphere_app
-- undo: ALTER ROLE edusphere_app NOBYPASSRLS
ALTER ROLE edusphere_app BYPASSRLS;
