-- finds: default-privileges-unexpected | default privileges of zoo_owner in zoo on sequences
ALTER DEFAULT PRIVILEGES FOR ROLE zoo_owner IN SCHEMA zoo GRANT USAGE ON SEQUENCES TO PUBLIC;
