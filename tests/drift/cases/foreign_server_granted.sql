-- finds: foreign-server-grants | foreign server elsewhere
GRANT USAGE ON FOREIGN SERVER elsewhere TO PUBLIC;
