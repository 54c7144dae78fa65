-- finds: setting-unexpected | setting row_security of the database
ALTER DATABASE :database SET row_security = off;
