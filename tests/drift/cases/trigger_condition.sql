-- finds: trigger-definition | trigger visit_touch on zoo.visit
CREATE OR REPLACE TRIGGER visit_touch BEFORE UPDATE OF note ON zoo.visit FOR EACH ROW EXECUTE FUNCTION zoo.touch();
