-- finds: table-forced | table edusphere_graph."Concept"
ALTER TABLE edusphere_graph."Concept" NO FORCE ROW LEVEL SECURITY;
