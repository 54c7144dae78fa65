-- finds: database-connection-limit | the database
ALTER DATABASE :database CONNECTION LIMIT 3;
