-- finds: function-parallel | function zoo.plus(integer, integer)
ALTER FUNCTION zoo.plus(integer, integer) PARALLEL UNSAFE;
