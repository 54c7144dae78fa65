-- finds: column-options | column zoo.animal.weight
ALTER TABLE zoo.animal ALTER COLUMN weight RESET (n_distinct);
