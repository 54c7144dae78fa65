-- finds: default-privileges-grants | default privileges of zoo_owner in zoo on tables
ALTER DEFAULT PRIVILEGES FOR ROLE zoo_owner IN SCHEMA zoo GRANT DELETE ON TABLES TO zoo_reader;
