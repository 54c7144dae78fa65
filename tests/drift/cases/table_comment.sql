-- finds: table-comment | table zoo.animal
COMMENT ON TABLE zoo.animal IS NULL;
