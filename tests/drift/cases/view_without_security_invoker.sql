-- finds: view-options | view zoo.glad
ALTER VIEW zoo.glad RESET (security_invoker);
