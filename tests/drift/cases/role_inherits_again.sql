-- finds: role-no-inherit | role zoo_login
-- undo: ALTER ROLE zoo_login NOINHERIT
ALTER ROLE zoo_login INHERIT;
