-- finds: function-cost | function zoo.plain(integer)
ALTER FUNCTION zoo.plain(integer) COST 1;
