-- finds: setting-missing | setting lock_timeout of the database
ALTER DATABASE :database RESET lock_timeout;
