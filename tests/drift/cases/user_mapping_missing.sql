-- finds: user-mapping-missing | user mapping of zoo_reader for elsewhere
DROP USER MAPPING FOR zoo_reader SERVER elsewhere;
