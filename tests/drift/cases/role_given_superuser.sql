-- finds: role-superuser | role zoo_reader
-- undo: ALTER ROLE zoo_reader NOSUPERUSER
ALTER ROLE zoo_reader SUPERUSER;
