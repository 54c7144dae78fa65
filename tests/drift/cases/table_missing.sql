-- finds: table-missing | table zoo.log_new
DROP TABLE zoo.log_new;
