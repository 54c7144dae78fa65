-- finds: domain-default | domain zoo.email
ALTER DOMAIN zoo.email DROP DEFAULT;
