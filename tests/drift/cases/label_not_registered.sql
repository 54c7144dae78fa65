-- finds: label-missing | label "Term" (edusphere_graph."Term")
DELETE FROM ag_catalog.ag_label WHERE name = 'Term';
