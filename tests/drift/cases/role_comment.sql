-- finds: role-comment | role zoo_login
-- undo: COMMENT ON ROLE zoo_login IS NULL
COMMENT ON ROLE zoo_login IS 'x';
