-- finds: sequence-grants | sequence edusphere_graph."Concept_id_seq"
REVOKE USAGE ON SEQUENCE edusphere_graph."Concept_id_seq" FROM edusphere_app;
