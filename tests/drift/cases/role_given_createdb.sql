-- finds: role-create-database | role zoo_reader
-- undo: ALTER ROLE zoo_reader NOCREATEDB
ALTER ROLE zoo_reader CREATEDB;
