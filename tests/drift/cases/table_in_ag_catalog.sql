-- finds: table-unexpected | table ag_catalog.whoops
SET search_path = ag_catalog; CREATE TABLE whoops (a int);
