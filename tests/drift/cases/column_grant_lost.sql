-- finds: column-grants | column zoo.animal.mood
REVOKE UPDATE (mood) ON zoo.animal FROM zoo_reader;
