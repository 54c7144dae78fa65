-- finds: table-options | table zoo.animal
ALTER TABLE zoo.animal SET (fillfactor = 50);
