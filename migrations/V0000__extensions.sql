-- edu: role superuser
-- edu: no-transaction
-- Intent: everything that needs a superuser, once per database and again whenever asked: extensions, roles,
--   database settings, privileges, the empty graph, and the functions of AGE that no application role may call.
--   Every step looks first, so a second run changes nothing. Run it with: edu db bootstrap
--   One statement at a time, without a transaction around: on AGE 1.8 with PostgreSQL 18 an error in a transaction that
--   ran CREATE EXTENSION age cannot be rolled back and damages the lock table until the server restarts. After an
--   error, mend the cause and run the file again.
-- Locks: row locks in the shared catalogs (roles, database settings); AccessExclusive on nothing that holds rows.
-- Undo: none, on purpose. DROP EXTENSION age deletes every graph of the database, the roles belong to the whole
--   server and may be in use by other databases; dropping the database is the way back.

-- AGE comes first: where the library is preloaded but the extension is missing, ordinary DDL fails.
-- The command itself is not reached on a second run: on AGE 1.8 even a skipped one takes the rollback away.
DO $do$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'age') THEN
        CREATE EXTENSION age;
    END IF;
END
$do$;
CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public;
CREATE EXTENSION IF NOT EXISTS pgcrypto WITH SCHEMA public;
CREATE EXTENSION IF NOT EXISTS "uuid-ossp" WITH SCHEMA public;

-- Roles are shared by all databases of the server, hence only created when missing.
-- The login role has no password here: give it one, or a certificate, where it is deployed.
DO $do$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'edusphere_owner') THEN
        CREATE ROLE edusphere_owner NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'edusphere_app') THEN
        CREATE ROLE edusphere_app NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'edusphere_login') THEN
        CREATE ROLE edusphere_login LOGIN NOINHERIT;
    END IF;
END
$do$;

-- The login role may become the application role and has none of its rights before it does.
-- It is never made a member of the owner: the owner is not bound by row-level security.
GRANT edusphere_app TO edusphere_login WITH INHERIT FALSE, SET TRUE;

-- search_path: Cypher needs ag_catalog on the path; in first place it would swallow every unqualified CREATE TABLE.
-- iterative_scan: without it an approximate index stops after ef_search rows, before the tenant filter is applied,
-- and a small tenant gets fewer neighbours than asked for, silently.
DO $do$
BEGIN
    EXECUTE pg_catalog.format('ALTER DATABASE %I SET search_path = "$user", public, ag_catalog', pg_catalog.current_database());
    EXECUTE pg_catalog.format('ALTER DATABASE %I SET hnsw.iterative_scan = %L', pg_catalog.current_database(), 'strict_order');
    EXECUTE pg_catalog.format('GRANT CONNECT, CREATE ON DATABASE %I TO edusphere_owner', pg_catalog.current_database());
    EXECUTE pg_catalog.format('GRANT CONNECT ON DATABASE %I TO edusphere_login', pg_catalog.current_database());
END
$do$;

-- Schema public: the owner builds, the application uses, nobody else creates.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO edusphere_owner;
GRANT USAGE ON SCHEMA public TO edusphere_app, edusphere_login;
ALTER DEFAULT PRIVILEGES FOR ROLE edusphere_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO edusphere_app;
-- PostgreSQL gives EXECUTE on every new function to PUBLIC; here each function is granted by name.
ALTER DEFAULT PRIVILEGES FOR ROLE edusphere_owner
    REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- AGE's own schema: the graph types, operators and the two catalogs ag_graph and ag_label.
GRANT USAGE ON SCHEMA ag_catalog TO edusphere_owner, edusphere_app;
GRANT SELECT ON ALL TABLES IN SCHEMA ag_catalog TO edusphere_owner, edusphere_app;

-- Functions of AGE that read a graph past privileges and row-level security (variable-length paths, shortest paths,
-- statistics, and startNode/endNode before 1.7), that make vertices and edges out of nothing, which DELETE and CREATE
-- would take for real ones of any tenant, that read server files, or that change a graph's structure. Cypher's DELETE
-- before 1.7 asks neither policies nor privileges: there the application deletes from the label tables, by SQL.
-- The structural ones go to the owner; nobody but a superuser keeps the others. Bounded traversals are written as
-- recursive SQL instead, see graph/queries. No AGE function is marked LEAKPROOF: that would trade safety for speed.
-- Signatures differ between AGE versions, hence the loop over names.
DO $do$
DECLARE
    f pg_catalog.regprocedure;
    checks_rows boolean := (
        SELECT pg_catalog.string_to_array(pg_catalog.substring(extversion, '^[0-9]+\.[0-9]+'), '.')::int[] >= ARRAY[1, 7]
        FROM pg_catalog.pg_extension WHERE extname = 'age');
BEGIN
    FOR f IN
        SELECT p.oid FROM pg_catalog.pg_proc p
        WHERE p.pronamespace = 'ag_catalog'::pg_catalog.regnamespace
          AND (p.proname IN ('age_vle', 'age_shortest_path', 'age_all_shortest_paths',
                             'agtype_typecast_vertex', 'agtype_typecast_edge', 'agtype_typecast_path',
                             'load_labels_from_file', 'load_edges_from_file',
                             'age_graph_stats', 'age_vertex_stats', 'age_delete_global_graphs',
                             'age_prepare_pg_upgrade', 'age_finish_pg_upgrade', 'age_revert_pg_upgrade_changes')
               OR p.proname IN ('age_startnode', 'age_endnode', '_cypher_delete_clause') AND NOT checks_rows)
    LOOP
        EXECUTE pg_catalog.format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
    END LOOP;
    FOR f IN
        SELECT p.oid FROM pg_catalog.pg_proc p
        WHERE p.pronamespace = 'ag_catalog'::pg_catalog.regnamespace
          AND p.proname IN ('create_graph', 'drop_graph', 'alter_graph', 'create_vlabel', 'create_elabel', 'drop_label',
                            'create_subgraph', 'create_complete_graph', 'age_create_barbell_graph')
    LOOP
        EXECUTE pg_catalog.format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION %s TO edusphere_owner', f);
    END LOOP;
END
$do$;

-- The graph, made by its owner: AGE offers no other way to say whose it is. AGE 1.8 looks up an operator class
-- through search_path here, so ag_catalog has to be on it.
DO $do$
DECLARE
    role_before text := pg_catalog.current_setting('role');
    path_before text := pg_catalog.current_setting('search_path');
    graph_owner name;
BEGIN
    IF NOT EXISTS (SELECT FROM ag_catalog.ag_graph WHERE name = 'edusphere_graph') THEN
        PERFORM pg_catalog.set_config('search_path', 'public, ag_catalog', true);
        PERFORM pg_catalog.set_config('role', 'edusphere_owner', true);
        PERFORM ag_catalog.create_graph('edusphere_graph');
        PERFORM pg_catalog.set_config('role', role_before, true);
        PERFORM pg_catalog.set_config('search_path', path_before, true);
    END IF;
    SELECT pg_catalog.pg_get_userbyid(nspowner) INTO graph_owner
    FROM pg_catalog.pg_namespace WHERE nspname = 'edusphere_graph';
    IF graph_owner IS DISTINCT FROM 'edusphere_owner' THEN
        RAISE EXCEPTION 'graph "edusphere_graph" belongs to "%"', graph_owner
            USING HINT = 'Give the schema edusphere_graph, its tables and its sequences to edusphere_owner, then run: edu db bootstrap';
    END IF;
END
$do$;

-- The application reads and writes vertices and edges; new labels stay a matter of migrations.
GRANT USAGE ON SCHEMA edusphere_graph TO edusphere_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA edusphere_graph TO edusphere_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA edusphere_graph TO edusphere_app;
ALTER DEFAULT PRIVILEGES FOR ROLE edusphere_owner IN SCHEMA edusphere_graph
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO edusphere_app;
ALTER DEFAULT PRIVILEGES FOR ROLE edusphere_owner IN SCHEMA edusphere_graph
    GRANT USAGE ON SEQUENCES TO edusphere_app;

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
