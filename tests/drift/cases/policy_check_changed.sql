-- finds: policy-check | policy animal_own on zoo.animal
ALTER POLICY animal_own ON zoo.animal WITH CHECK (true);
