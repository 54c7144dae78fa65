-- finds: sequence-behind | sequence zoo.animal_id_seq
SELECT setval('zoo.animal_id_seq', 1);
