-- finds: sequence-owned-by | sequence zoo.animal_id_seq
ALTER SEQUENCE zoo.animal_id_seq OWNED BY NONE;
