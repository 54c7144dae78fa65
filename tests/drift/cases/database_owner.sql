-- finds: database-owner | the database
ALTER DATABASE :database OWNER TO zoo_login;
