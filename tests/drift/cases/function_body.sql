-- finds: function-body | function zoo.plus(integer, integer)
CREATE OR REPLACE FUNCTION zoo.plus(a integer, b integer) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS 'SELECT a - b';
