-- finds: schema-grants | schema zoo
REVOKE USAGE ON SCHEMA zoo FROM zoo_reader;
