-- finds: index-unexpected | index stray on zoo.visit
CREATE INDEX stray ON zoo.visit (animal_id);
