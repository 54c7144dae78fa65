-- finds: policy-missing | policy edu_tenant on edusphere_graph."Person"
DROP POLICY edu_tenant ON edusphere_graph."Person";
