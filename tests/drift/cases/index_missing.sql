-- finds: index-missing | index visit_at on zoo.visit
DROP INDEX zoo.visit_at;
