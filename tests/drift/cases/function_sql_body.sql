-- finds: function-body | function zoo.plain(integer)
CREATE OR REPLACE FUNCTION zoo.plain(n integer DEFAULT 3) RETURNS SETOF integer LANGUAGE sql STABLE ROWS 5 COST 20 BEGIN ATOMIC SELECT n + 1; END;
