-- finds: table-server-options | table zoo.far
ALTER FOREIGN TABLE zoo.far OPTIONS (SET file 'y');
