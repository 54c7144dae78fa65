-- finds: constraint-comment | constraint animal_name_key on zoo.animal
COMMENT ON CONSTRAINT animal_name_key ON zoo.animal IS 'x';
