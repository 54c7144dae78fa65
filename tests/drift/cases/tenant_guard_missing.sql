-- finds: constraint-missing | constraint edu_tenant_guard on edusphere_graph._ag_label_vertex
ALTER TABLE edusphere_graph._ag_label_vertex DROP CONSTRAINT edu_tenant_guard;
