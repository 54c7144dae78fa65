-- finds: constraint-deferred | constraint visit_animal_fk on zoo.visit
ALTER TABLE zoo.visit ALTER CONSTRAINT visit_animal_fk DEFERRABLE INITIALLY IMMEDIATE;
