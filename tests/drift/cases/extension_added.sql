-- finds: extension-unexpected | extension hstore
CREATE EXTENSION hstore;
