-- finds: role-settings | role zoo_login
-- undo: ALTER ROLE zoo_login RESET row_security
ALTER ROLE zoo_login SET row_security = off;
