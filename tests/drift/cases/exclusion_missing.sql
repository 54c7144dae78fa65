-- finds: constraint-missing | constraint animal_stay_excl on zoo.animal
ALTER TABLE zoo.animal DROP CONSTRAINT animal_stay_excl;
