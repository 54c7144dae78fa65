-- finds: role-connection-limit | role zoo_login
-- undo: ALTER ROLE zoo_login CONNECTION LIMIT -1
ALTER ROLE zoo_login CONNECTION LIMIT 1;
