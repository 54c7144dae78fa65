-- finds: domain-not-null | domain zoo.email
CREATE DOMAIN zoo.unused AS text; DROP DOMAIN zoo.unused; UPDATE pg_type SET typnotnull = true WHERE oid = 'zoo.email'::regtype;
