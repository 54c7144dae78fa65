-- finds: index-not-valid | index visit_at on zoo.visit
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'zoo.visit_at'::regclass;
