-- finds: function-leakproof | function zoo.plus(integer, integer)
ALTER FUNCTION zoo.plus(integer, integer) LEAKPROOF;
