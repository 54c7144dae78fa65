-- finds: constraint-triggers-disabled | constraint visit_animal_fk on zoo.visit
UPDATE pg_trigger SET tgenabled = 'D' WHERE tgrelid = 'zoo.visit'::regclass AND tgisinternal;
