-- finds: extension-version | extension vector
-- faked: the older version's objects are not there, so its update cannot run
UPDATE pg_extension SET extversion = '0.7.4' WHERE extname = 'vector';
