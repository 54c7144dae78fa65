-- finds: policy-missing | policy animal_calm on zoo.animal
DROP POLICY animal_calm ON zoo.animal;
