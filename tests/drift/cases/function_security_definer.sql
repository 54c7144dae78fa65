-- finds: function-security-definer | function zoo.plus(integer, integer)
ALTER FUNCTION zoo.plus(integer, integer) SECURITY DEFINER;
