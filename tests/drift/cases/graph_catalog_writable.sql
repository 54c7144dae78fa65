-- finds: extension-privileges-grants | privileges on ag_catalog.ag_label
GRANT INSERT ON ag_catalog.ag_label TO edusphere_app;
