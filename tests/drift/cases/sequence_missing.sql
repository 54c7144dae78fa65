-- finds: sequence-missing | sequence zoo.ticket
DROP SEQUENCE zoo.ticket;
