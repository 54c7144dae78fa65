-- finds: role-replication | role zoo_reader
-- undo: ALTER ROLE zoo_reader NOREPLICATION
ALTER ROLE zoo_reader REPLICATION;
