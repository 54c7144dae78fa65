-- finds: domain-not-null | domain zoo.email
ALTER DOMAIN zoo.email SET NOT NULL;
