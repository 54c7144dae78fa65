-- finds: schema-unexpected | schema stray
CREATE SCHEMA stray;
