-- finds: column-comment | column zoo.animal.name
COMMENT ON COLUMN zoo.animal.name IS 'other';
