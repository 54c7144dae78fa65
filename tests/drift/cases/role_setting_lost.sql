-- finds: role-settings | role zoo_reader
-- undo: ALTER ROLE zoo_reader SET statement_timeout = '5s'
ALTER ROLE zoo_reader RESET statement_timeout;
