-- finds: role-bypass-rls | role zoo_reader
-- undo: ALTER ROLE zoo_reader NOBYPASSRLS
ALTER ROLE zoo_reader BYPASSRLS;
