-- finds: role-create-role | role zoo_reader
-- undo: ALTER ROLE zoo_reader NOCREATEROLE
ALTER ROLE zoo_reader CREATEROLE;
