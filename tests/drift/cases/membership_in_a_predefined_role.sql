-- finds: membership-unexpected | membership of zoo_reader in pg_read_all_data
-- undo: REVOKE pg_read_all_data FROM zoo_reader
GRANT pg_read_all_data TO zoo_reader;
