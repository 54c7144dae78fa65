-- finds: view-grants | view zoo.named
GRANT SELECT ON zoo.named TO PUBLIC;
