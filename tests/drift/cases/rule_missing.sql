-- finds: rule-missing | rule visit_keep on zoo.visit
DROP RULE visit_keep ON zoo.visit;
