-- finds: view-options | view zoo.named
ALTER VIEW zoo.named SET (security_barrier = true);
