-- finds: schema-grants | schema public
GRANT CREATE ON SCHEMA public TO PUBLIC;
