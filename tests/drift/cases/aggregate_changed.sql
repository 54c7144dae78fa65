-- finds: aggregate-initial | aggregate zoo.total(integer)
CREATE OR REPLACE AGGREGATE zoo.total(integer) (sfunc = zoo.plus, stype = integer, initcond = '7');
