-- finds: membership-unexpected | membership of zoo_login in zoo_owner
-- undo: REVOKE zoo_owner FROM zoo_login
GRANT zoo_owner TO zoo_login;
