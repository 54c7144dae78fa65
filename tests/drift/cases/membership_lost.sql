-- finds: membership-missing | membership of zoo_login in zoo_reader
-- undo: GRANT zoo_reader TO zoo_login WITH INHERIT FALSE, SET TRUE
REVOKE zoo_reader FROM zoo_login;
