-- Intent: undoes V0004: back to the empty graph of V0000. ALL VERTICES AND EDGES ARE LOST, and so are the policies and
--   indexes that edu db graph made on the labels. The graph is dropped and made anew, because drop_label fails for
--   everyone but a superuser and leaves the edges of a dropped vertex label behind.
-- Locks: AccessExclusive on every table of the graph until the end.
-- Role: a superuser, because the guard of V0000 belongs to one; the graph is made as its owner.
-- Undo: V0004 and edu db graph bring the structure back; vertices and edges only come back from a backup.
-- edu: role superuser

SET LOCAL ROLE edusphere_owner;
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

RESET ROLE;

-- A vertex that a session names by graph id (an edge's end, in Cypher or plain SQL, or a made-up vertex in SET) is not
-- looked at by any policy. This function is, by a constraint on both parents that every label inherits: it sees the
-- vertices of all tenants, hence SECURITY DEFINER, and says no more than whether one is of another tenant.
DO $do$
DECLARE
    vertex_test text := 'BEGIN RETURN NOT EXISTS (SELECT FROM edusphere_graph._ag_label_vertex n '
        'WHERE n.id OPERATOR(ag_catalog.=) vertex AND (n.properties OPERATOR(ag_catalog.->>) ''tenant_id''::text) '
        'IS DISTINCT FROM NULLIF(current_setting(''app.current_tenant''::text, true), ''''::text)); END';
    parent record;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_proc WHERE pronamespace = 'edusphere_graph'::pg_catalog.regnamespace
                   AND proname = 'edu_vertex_is_own') THEN
        EXECUTE pg_catalog.format('CREATE FUNCTION edusphere_graph.edu_vertex_is_own(vertex ag_catalog.graphid) RETURNS boolean
            LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog AS %L', vertex_test);
        REVOKE ALL ON FUNCTION edusphere_graph.edu_vertex_is_own(ag_catalog.graphid) FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION edusphere_graph.edu_vertex_is_own(ag_catalog.graphid) TO edusphere_app;
    END IF;
    FOR parent IN
        SELECT * FROM (VALUES
            ('_ag_label_vertex', 'edusphere_graph.edu_vertex_is_own(id)'),
            ('_ag_label_edge', 'edusphere_graph.edu_vertex_is_own(start_id) AND edusphere_graph.edu_vertex_is_own(end_id)')
        ) AS p (label, asked)
    LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_class t ON t.oid = c.conrelid
                       WHERE t.relnamespace = 'edusphere_graph'::pg_catalog.regnamespace AND t.relname = parent.label
                         AND c.conname = 'edu_vertex_guard') THEN
            EXECUTE pg_catalog.format('ALTER TABLE edusphere_graph.%I ADD CONSTRAINT edu_vertex_guard
                CHECK (CURRENT_USER <> ''edusphere_app''::name OR (%s)) NOT VALID', parent.label, parent.asked);
        END IF;
    END LOOP;
END
$do$;
