-- finds: setting-value | setting "hnsw.iterative_scan" of the database
ALTER DATABASE :database SET hnsw.iterative_scan = 'off';
