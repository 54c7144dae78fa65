-- finds: policy-restrictive | policy animal_calm on zoo.animal
DROP POLICY animal_calm ON zoo.animal; CREATE POLICY animal_calm ON zoo.animal FOR SELECT TO zoo_reader USING (mood <> 'sad');
