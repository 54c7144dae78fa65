-- finds: index-definition | index visit_at on zoo.visit
DROP INDEX zoo.visit_at; CREATE INDEX visit_at ON zoo.visit (at);
