-- finds: enum-owner | enum zoo.mood
ALTER TYPE zoo.mood OWNER TO edusphere_owner;
