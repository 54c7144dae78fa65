-- Intent: undoes V0004: back to the empty graph of V0000. ALL VERTICES AND EDGES ARE LOST, and so are the policies and
--   indexes that edu db graph made on the labels. The graph is dropped and made anew, because drop_label fails for
--   everyone but a superuser and leaves the edges of a dropped vertex label behind.
-- Locks: AccessExclusive on every table of the graph until the end.
-- Undo: V0004 and edu db graph bring the structure back; vertices and edges only come back from a backup.

SET LOCAL search_path = "$user", public, ag_catalog;
SET LOCAL client_min_messages = warning;

SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('edu:graph:edusphere_graph'));
SELECT ag_catalog.drop_graph('edusphere_graph', true);
SELECT ag_catalog.create_graph('edusphere_graph');

-- The privileges of V0000 went with the schema.
GRANT USAGE ON SCHEMA edusphere_graph TO edusphere_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA edusphere_graph TO edusphere_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA edusphere_graph TO edusphere_app;
ALTER DEFAULT PRIVILEGES FOR ROLE edusphere_owner IN SCHEMA edusphere_graph
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO edusphere_app;
ALTER DEFAULT PRIVILEGES FOR ROLE edusphere_owner IN SCHEMA edusphere_graph
    GRANT USAGE ON SEQUENCES TO edusphere_app;
