-- finds: view-definition | view zoo.named
CREATE OR REPLACE VIEW zoo.named AS SELECT id, name FROM zoo.animal WHERE id > 0;
