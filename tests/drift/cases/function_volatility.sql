-- finds: function-volatility | function zoo.plus(integer, integer)
ALTER FUNCTION zoo.plus(integer, integer) VOLATILE;
