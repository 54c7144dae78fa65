-- finds: constraint-definition | constraint animal_weight_check on zoo.animal
ALTER TABLE zoo.animal DROP CONSTRAINT animal_weight_check, ADD CONSTRAINT animal_weight_check CHECK (weight >= 0);
