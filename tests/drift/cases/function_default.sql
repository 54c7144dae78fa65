-- finds: function-arguments | function zoo.plain(integer)
CREATE OR REPLACE FUNCTION zoo.plain(n integer DEFAULT 4) RETURNS SETOF integer LANGUAGE sql STABLE ROWS 5 COST 20 BEGIN ATOMIC SELECT n; END;
