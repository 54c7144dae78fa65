-- finds: constraint-not-enforced | constraint visit_animal_fk on zoo.visit
-- from: 18
ALTER TABLE zoo.visit ALTER CONSTRAINT visit_animal_fk NOT ENFORCED;
