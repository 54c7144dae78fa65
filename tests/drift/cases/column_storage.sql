-- finds: column-storage | column zoo.animal.name
ALTER TABLE zoo.animal ALTER COLUMN name SET STORAGE extended;
