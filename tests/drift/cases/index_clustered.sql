-- finds: index-clustered | index visit_at on zoo.visit
ALTER TABLE zoo.visit CLUSTER ON visit_at;
