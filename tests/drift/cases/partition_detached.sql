-- finds: table-partition-bound | table zoo.log_old
ALTER TABLE zoo.log DETACH PARTITION zoo.log_old;
