-- finds: schema-grants | schema edusphere_graph
GRANT USAGE ON SCHEMA edusphere_graph TO PUBLIC;
