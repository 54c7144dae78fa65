-- finds: sequence-cycle | sequence zoo.ticket
ALTER SEQUENCE zoo.ticket CYCLE;
