-- finds: index-definition | index visit_tag on zoo.visit
DROP INDEX zoo.visit_tag; CREATE UNIQUE INDEX visit_tag ON zoo.visit (tag) WITH (fillfactor = 70);
