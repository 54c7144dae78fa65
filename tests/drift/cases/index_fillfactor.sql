-- finds: index-options | index visit_tag on zoo.visit
ALTER INDEX zoo.visit_tag SET (fillfactor = 90);
