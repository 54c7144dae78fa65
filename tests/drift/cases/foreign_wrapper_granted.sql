-- finds: foreign-data-wrapper-grants | foreign-data wrapper nothing
GRANT USAGE ON FOREIGN DATA WRAPPER nothing TO zoo_reader;
