-- finds: trigger-enabled | trigger visit_touch on zoo.visit
ALTER TABLE zoo.visit ENABLE REPLICA TRIGGER visit_touch;
