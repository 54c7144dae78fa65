-- finds: extension-version | extension vector
UPDATE pg_extension SET extversion = '0.7.4' WHERE extname = 'vector';
