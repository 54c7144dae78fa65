-- finds: table-grants | table zoo.visit
GRANT SELECT ON zoo.visit TO zoo_reader WITH GRANT OPTION;
