-- finds: column-statistics | column zoo.animal.name
ALTER TABLE zoo.animal ALTER COLUMN name SET STATISTICS 10;
