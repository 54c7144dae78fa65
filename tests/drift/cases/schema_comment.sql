-- finds: schema-comment | schema zoo
COMMENT ON SCHEMA zoo IS 'plants';
