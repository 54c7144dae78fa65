-- finds: membership-admin | membership of zoo_login in zoo_reader
-- undo: GRANT zoo_reader TO zoo_login WITH ADMIN FALSE
GRANT zoo_reader TO zoo_login WITH ADMIN TRUE;
