-- finds: constraint-missing | constraint visit_animal_fk on zoo.visit
ALTER TABLE zoo.visit DROP CONSTRAINT visit_animal_fk;
