-- finds: role-login | role zoo_reader
-- undo: ALTER ROLE zoo_reader NOLOGIN
ALTER ROLE zoo_reader LOGIN;
