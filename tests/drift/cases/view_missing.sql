-- finds: view-missing | view zoo.glad
DROP VIEW zoo.glad;
