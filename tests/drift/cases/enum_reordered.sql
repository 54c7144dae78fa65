-- finds: enum-values | enum zoo.mood
UPDATE pg_enum SET enumsortorder = 99 WHERE enumlabel = 'sad' AND enumtypid = 'zoo.mood'::regtype;
