-- finds: schema-owner | schema zoo
ALTER SCHEMA zoo OWNER TO edusphere_owner;
