-- finds: table-partition-of | table zoo.log_old
ALTER TABLE zoo.log DETACH PARTITION zoo.log_old;
