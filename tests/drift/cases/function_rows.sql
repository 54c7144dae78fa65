-- finds: function-rows | function zoo.plain(integer)
ALTER FUNCTION zoo.plain(integer) ROWS 900;
