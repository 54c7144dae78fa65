-- finds: column-compression | column zoo.animal.name
ALTER TABLE zoo.animal ALTER COLUMN name SET COMPRESSION pglz;
