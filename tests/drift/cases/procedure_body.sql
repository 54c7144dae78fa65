-- finds: procedure-body | procedure zoo.tidy(integer)
CREATE OR REPLACE PROCEDURE zoo.tidy(INOUT n integer) LANGUAGE plpgsql AS $$ BEGIN n := 2; END $$;
