-- finds: setting-value | setting search_path of the database
ALTER DATABASE :database SET search_path = ag_catalog, "$user", public;
