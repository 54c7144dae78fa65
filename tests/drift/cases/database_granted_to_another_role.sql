-- finds: database-grants | the database
GRANT CREATE ON DATABASE :database TO zoo_reader;
