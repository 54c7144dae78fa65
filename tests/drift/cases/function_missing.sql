-- finds: function-missing | function zoo.is_even(bigint)
DROP FUNCTION zoo.is_even(bigint);
