-- finds: membership-unexpected | membership of edusphere_login in edusphere_owner
-- undo: REVOKE edusphere_owner FROM edusphere_login
GRANT edusphere_owner TO edusphere_login;
