-- finds: table-grants | table edusphere_graph."Concept"
GRANT SELECT ON edusphere_graph."Concept" TO PUBLIC;
