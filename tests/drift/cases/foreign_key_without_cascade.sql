-- finds: constraint-definition | constraint visit_animal_fk on zoo.visit
ALTER TABLE zoo.visit DROP CONSTRAINT visit_animal_fk, ADD CONSTRAINT visit_animal_fk FOREIGN KEY (animal_id) REFERENCES zoo.animal (id) DEFERRABLE INITIALLY DEFERRED;
