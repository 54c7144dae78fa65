-- finds: view-owner | view zoo.named
ALTER VIEW zoo.named OWNER TO edusphere_owner;
