-- finds: policy-command | policy animal_calm on zoo.animal
DROP POLICY animal_calm ON zoo.animal; CREATE POLICY animal_calm ON zoo.animal AS RESTRICTIVE FOR DELETE TO zoo_reader USING (mood <> 'sad');
