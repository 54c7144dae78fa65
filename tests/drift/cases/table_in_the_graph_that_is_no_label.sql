-- finds: table-unexpected | table edusphere_graph.stray
CREATE TABLE edusphere_graph.stray (a int);
