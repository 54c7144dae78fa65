-- finds: enum-values | enum zoo.mood
ALTER TYPE zoo.mood ADD VALUE 'wild';
