-- finds: enum-grants | enum zoo.mood
REVOKE USAGE ON TYPE zoo.mood FROM PUBLIC;
