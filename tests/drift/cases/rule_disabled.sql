-- finds: rule-enabled | rule visit_keep on zoo.visit
ALTER TABLE zoo.visit DISABLE RULE visit_keep;
