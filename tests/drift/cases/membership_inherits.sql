-- finds: membership-inherit | membership of zoo_login in zoo_reader
-- undo: GRANT zoo_reader TO zoo_login WITH INHERIT FALSE
GRANT zoo_reader TO zoo_login WITH INHERIT TRUE;
