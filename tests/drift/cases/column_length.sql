-- finds: column-type | column zoo.animal.nick
ALTER TABLE zoo.animal ALTER COLUMN nick TYPE varchar(30) COLLATE "C";
