-- finds: index-unexpected | index visit_at_ccnew on zoo.visit
CREATE INDEX visit_at_ccnew ON zoo.visit (at DESC NULLS LAST);
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'zoo.visit_at_ccnew'::regclass;
