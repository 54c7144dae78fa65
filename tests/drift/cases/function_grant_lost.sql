-- finds: function-grants | function zoo.secure()
REVOKE EXECUTE ON FUNCTION zoo.secure() FROM zoo_reader;
