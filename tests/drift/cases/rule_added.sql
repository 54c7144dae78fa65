-- finds: rule-unexpected | rule quiet on zoo.visit
CREATE RULE quiet AS ON INSERT TO zoo.visit DO ALSO NOTHING;
