-- finds: table-grants | table zoo.visit
REVOKE UPDATE ON zoo.visit FROM zoo_owner;
