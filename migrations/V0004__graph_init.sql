-- edu: allow index-blocks-writes reason="the labels are made in this file and are empty; on a graph CONCURRENTLY is wrong"
-- Intent: the graph edusphere_graph with its 5 vertex and 10 edge labels and the 4 property indexes that EduSphere lists.
--   Everything is looked for first. Isolation policies and all further indexes follow from graph/ontology.toml and are
--   made by edu db graph, before the first vertex is written.
-- Locks: ShareUpdateExclusive on the graph's two parent tables, Share on the new, empty label tables. The indexes are
--   never built CONCURRENTLY: next to an open Cypher SET that gives an index without the changed row.
-- Undo: V0004__graph_init.down.sql empties the graph, with all vertices and edges.

SET LOCAL search_path = "$user", public, ag_catalog;
SET LOCAL client_min_messages = warning;

-- Labels are made one at a time: two sessions creating the same label at once would fail each other.
SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('edu:graph:edusphere_graph'));

-- The names go in as literals: the argument type is name in AGE 1.5 and cstring in 1.8, and only a literal fits both.
DO $do$
DECLARE
    label record;
BEGIN
    IF NOT EXISTS (SELECT FROM ag_catalog.ag_graph WHERE name = 'edusphere_graph') THEN
        PERFORM ag_catalog.create_graph('edusphere_graph');
    END IF;
    FOR label IN
        SELECT * FROM (VALUES
            ('create_vlabel', 'Concept'),
            ('create_vlabel', 'Person'),
            ('create_vlabel', 'Term'),
            ('create_vlabel', 'Source'),
            ('create_vlabel', 'TopicCluster'),
            ('create_elabel', 'MENTIONS'),
            ('create_elabel', 'REFERS_TO'),
            ('create_elabel', 'RELATED_TO'),
            ('create_elabel', 'CONTRADICTS'),
            ('create_elabel', 'PREREQUISITE_OF'),
            ('create_elabel', 'DERIVED_FROM'),
            ('create_elabel', 'AUTHORED_BY'),
            ('create_elabel', 'CITES'),
            ('create_elabel', 'INFERRED_RELATED'),
            ('create_elabel', 'BELONGS_TO')) AS v (maker, name)
    LOOP
        IF NOT EXISTS (
            SELECT FROM ag_catalog.ag_label l
            JOIN ag_catalog.ag_graph g ON g.graphid = l.graph
            WHERE g.name = 'edusphere_graph' AND l.name = label.name::name
        ) THEN
            EXECUTE format('SELECT ag_catalog.%I(%L, %L)', label.maker, 'edusphere_graph', label.name);
        END IF;
    END LOOP;
END
$do$;

-- The key is a text literal: a bare one would be read as agtype and refused.
CREATE INDEX IF NOT EXISTS idx_concept_tenant ON edusphere_graph."Concept"
    USING btree ((properties OPERATOR(ag_catalog.->>) 'tenant_id'::text));
CREATE INDEX IF NOT EXISTS idx_concept_label ON edusphere_graph."Concept"
    USING gin ((properties OPERATOR(ag_catalog.->) 'label'::text));
CREATE INDEX IF NOT EXISTS idx_person_name ON edusphere_graph."Person"
    USING gin ((properties OPERATOR(ag_catalog.->) 'name'::text));
CREATE INDEX IF NOT EXISTS idx_term_label ON edusphere_graph."Term"
    USING gin ((properties OPERATOR(ag_catalog.->) 'label'::text));
