-- finds: policy-using | policy edu_tenant on edusphere_graph._ag_label_vertex
ALTER POLICY edu_tenant ON edusphere_graph._ag_label_vertex USING (true);
