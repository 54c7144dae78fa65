-- finds: table-forced | table zoo.animal
ALTER TABLE zoo.animal NO FORCE ROW LEVEL SECURITY;
