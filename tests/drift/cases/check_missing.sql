-- finds: constraint-missing | constraint animal_weight_check on zoo.animal
ALTER TABLE zoo.animal DROP CONSTRAINT animal_weight_check;
