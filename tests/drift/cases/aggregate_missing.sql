-- finds: aggregate-missing | aggregate zoo.total(integer)
DROP AGGREGATE zoo.total(integer);
