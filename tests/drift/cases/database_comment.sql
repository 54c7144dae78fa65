-- finds: database-comment | the database
COMMENT ON DATABASE :database IS 'other';
