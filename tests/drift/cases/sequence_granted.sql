-- finds: sequence-grants | sequence zoo.ticket
GRANT USAGE ON SEQUENCE zoo.ticket TO PUBLIC;
