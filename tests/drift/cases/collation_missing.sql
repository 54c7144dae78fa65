-- finds: collation-missing | collation zoo.plain
DROP COLLATION zoo.plain;
