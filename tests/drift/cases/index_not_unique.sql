-- finds: index-unique | index visit_tag on zoo.visit
UPDATE pg_index SET indisunique = false WHERE indexrelid = 'zoo.visit_tag'::regclass;
