-- finds: enum-values | enum zoo.mood
ALTER TYPE zoo.mood RENAME VALUE 'calm' TO 'quiet';
