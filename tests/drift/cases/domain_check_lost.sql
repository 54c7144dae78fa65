-- finds: domain-constraints | domain zoo.email
ALTER DOMAIN zoo.email DROP CONSTRAINT email_at;
