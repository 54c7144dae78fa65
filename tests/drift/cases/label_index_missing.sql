-- finds: index-missing | index idx_concept_tenant on edusphere_graph."Concept"
DROP INDEX edusphere_graph.idx_concept_tenant;
