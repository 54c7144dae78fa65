-- finds: operator-missing | operator zoo.@+@(integer, integer)
DROP OPERATOR zoo.@+@ (integer, integer);
