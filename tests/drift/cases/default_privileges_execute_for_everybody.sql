-- finds: default-privileges-missing | default privileges of zoo_owner on functions
ALTER DEFAULT PRIVILEGES FOR ROLE zoo_owner GRANT EXECUTE ON FUNCTIONS TO PUBLIC;
