-- finds: setting-value | setting work_mem for zoo_reader of the database
ALTER ROLE zoo_reader IN DATABASE :database SET work_mem = '1GB';
