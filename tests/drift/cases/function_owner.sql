-- finds: function-owner | function zoo.secure()
ALTER FUNCTION zoo.secure() OWNER TO edusphere_owner;
