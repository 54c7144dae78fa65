-- finds: default-privileges-grants | default privileges of edusphere_owner in public on tables
ALTER DEFAULT PRIVILEGES FOR ROLE edusphere_owner IN SCHEMA public GRANT SELECT ON TABLES TO PUBLIC;
