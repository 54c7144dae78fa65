-- finds: default-privileges-missing | default privileges of zoo_owner in zoo on tables
ALTER DEFAULT PRIVILEGES FOR ROLE zoo_owner IN SCHEMA zoo REVOKE ALL ON TABLES FROM zoo_reader;
