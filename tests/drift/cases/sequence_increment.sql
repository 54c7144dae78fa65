-- finds: sequence-increment | sequence zoo.ticket
ALTER SEQUENCE zoo.ticket INCREMENT 1;
