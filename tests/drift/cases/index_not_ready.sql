-- finds: index-not-ready | index visit_at on zoo.visit
UPDATE pg_index SET indisready = false WHERE indexrelid = 'zoo.visit_at'::regclass;
