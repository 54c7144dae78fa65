-- finds: function-unexpected | function zoo.extra()
CREATE FUNCTION zoo.extra() RETURNS integer LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
