-- finds: function-strict | function zoo.plus(integer, integer)
ALTER FUNCTION zoo.plus(integer, integer) CALLED ON NULL INPUT;
