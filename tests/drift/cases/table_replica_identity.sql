-- finds: table-replica-identity | table zoo.visit
ALTER TABLE zoo.visit REPLICA IDENTITY FULL;
