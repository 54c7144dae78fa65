//! The rest of the matrix: paths, statistics, plain SQL, and vertices that a parameter makes up; what each
//! of them does without edu's part, and what it does with it.

use super::G;
use super::isolation::{A, A1, App, B, B1, foreign_rows, two_tenants, unguard};
use crate::support::{Database, Project, major};

/// All paths of two edges from A1, by the function itself: AGE 1.8 names its result.
fn direct_path() -> String {
    let edge = "{\"id\": 1, \"label\": \"PREREQUISITE_OF\", \"end_id\": 1, \"start_id\": 1, \"properties\": {}}::edge";
    let path = if major() == 17 { "v" } else { "v.edges" };
    format!(
        "SELECT format('%s', ag_catalog.age_materialize_vle_path({path})) FROM ag_catalog.age_vle('\"{G}\"'::ag_catalog.agtype,
         '{A1}'::ag_catalog.agtype, NULL::ag_catalog.agtype, '{edge}'::ag_catalog.agtype, '2'::ag_catalog.agtype,
         '2'::ag_catalog.agtype, '1'::ag_catalog.agtype) AS v"
    )
}

fn shows(rows: &Result<Vec<String>, String>, what: &str) -> bool {
    rows.iter().flatten().any(|row| row.contains(what))
}

#[test]
fn a_path_leads_through_another_tenant_without_edu_and_is_refused_with_it() {
    let db = two_tenants();
    unguard(&db);
    let two = "MATCH p = (a:Concept {label: 'a1'})-[*2..2]->(b:Concept)";
    let nodes = format!("{two} UNWIND nodes(p) AS n RETURN n");
    let edges = format!("{two} UNWIND relationships(p) AS r RETURN startNode(r)");
    let ends = "MATCH (a:Concept)-[*1..2]->(b:Concept) RETURN a.label, b.label"
        .replace("a.label, b.label", "a.label + b.label");
    let mut app = App::new(&db);
    assert!(shows(&app.cypher(&nodes), B), "vertices on the way leak");
    let by_edge = app.cypher(&edges);
    assert_eq!(
        shows(&by_edge, B),
        major() == 17,
        "the ends of edges on the way: {by_edge:?}"
    );
    assert!(
        shows(&app.sql(&direct_path()), B),
        "the function itself leaks"
    );
    let ends_seen = app.cypher(&ends).unwrap();
    assert!(
        ends_seen.len() == 2 && ends_seen.iter().all(|row| !row.contains("b1")),
        "a path's own ends are filtered: {ends_seen:?}"
    );
    db.edu(&["db", "graph"]).expect(0);
    let mut app = App::new(&db);
    for text in [&nodes, &edges, &ends] {
        assert!(app.cypher(text).unwrap_err().starts_with("42501"), "{text}");
    }
    assert!(app.sql(&direct_path()).unwrap_err().starts_with("42501"));
}

#[test]
fn a_path_reads_a_label_without_any_grant_and_is_refused_with_edu() {
    let db = two_tenants();
    unguard(&db);
    db.run(&format!(
        "SET search_path = public, ag_catalog;
         INSERT INTO {G}.\"Term\" (properties) VALUES ('{{\"id\": \"00000000-0000-0000-0000-0000000000d1\", \"tenant_id\": \"{A}\", \"label\": \"hidden\", \"domain\": \"d\"}}');
         INSERT INTO {G}.\"RELATED_TO\" (start_id, end_id, properties)
           SELECT '{A1}', id, '{{\"tenant_id\": \"{A}\", \"strength\": 0.5, \"method\": \"manual\"}}' FROM {G}.\"Term\";
         INSERT INTO {G}.\"RELATED_TO\" (start_id, end_id, properties)
           SELECT id, '{}', '{{\"tenant_id\": \"{A}\", \"strength\": 0.5, \"method\": \"manual\"}}' FROM {G}.\"Term\";
         REVOKE ALL ON {G}.\"Term\" FROM edusphere_app",
        A1 + 2
    ));
    let mut app = App::new(&db);
    let term = "MATCH (t:Term) RETURN t";
    assert!(app.cypher(term).unwrap_err().starts_with("42501"));
    let through = "MATCH p = (a:Concept {label: 'a1'})-[:RELATED_TO*2..2]->(b:Concept) UNWIND nodes(p) AS n RETURN n.label";
    assert!(
        shows(&app.cypher(through), "hidden"),
        "the leak that edu closes"
    );
    db.edu(&["db", "graph"]).expect(0);
    assert!(
        App::new(&db)
            .cypher(through)
            .unwrap_err()
            .starts_with("42501")
    );
}

#[test]
fn statistics_count_other_tenants_without_edu_and_are_refused_with_it() {
    let db = two_tenants();
    unguard(&db);
    // A3 has one edge, from a vertex of B.
    let vertex = "MATCH (a:Concept {label: 'a3'}) RETURN vertex_stats(a)";
    let graph = format!("RETURN graph_stats('{G}')");
    let mut app = App::new(&db);
    assert!(shows(&app.cypher(vertex), "\"in_degree\": 1"));
    if major() == 18 {
        assert!(shows(&app.cypher(&graph), "\"num_loaded_vertices\": 4"));
    }
    db.edu(&["db", "graph"]).expect(0);
    let mut app = App::new(&db);
    assert!(app.cypher(vertex).unwrap_err().starts_with("42501"));
    if major() == 18 {
        assert!(app.cypher(&graph).unwrap_err().starts_with("42501"));
    }
}

#[test]
fn the_ends_of_an_edge_made_up_in_the_text_are_not_given() {
    let db = two_tenants();
    unguard(&db);
    let text = format!(
        "WITH {{id: 5066549580791809, label: 'PREREQUISITE_OF', start_id: {B1}, end_id: {B1}, properties: {{}}}}::edge AS e RETURN startNode(e)"
    );
    let leaked = App::new(&db).cypher(&text);
    match major() {
        17 => assert!(shows(&leaked, B), "{leaked:?}"),
        _ => assert!(leaked.unwrap_err().starts_with("42501")),
    }
    db.edu(&["db", "graph"]).expect(0);
    assert!(
        App::new(&db)
            .cypher(&text)
            .unwrap_err()
            .starts_with("42501")
    );
}

#[test]
fn what_a_path_leads_to_is_written_without_edu_and_out_of_reach_with_it() {
    let path = "MATCH p = (a:Concept {label: 'a1'})-[*2..2]->(b:Concept) UNWIND nodes(p) AS n";
    let set = format!("{path} SET n.domain = 'taken' RETURN n");
    let delete = format!("{path} DETACH DELETE n RETURN 1");
    let taken = |db: &Database| {
        db.one(&format!("SELECT count(*) FROM {G}.\"Concept\" WHERE ag_catalog.agtype_out(properties)::text LIKE '%taken%' AND ag_catalog.agtype_out(properties)::text LIKE '%{B}%'"))
    };
    for text in [&set, &delete] {
        let db = two_tenants();
        unguard(&db);
        let _ = App::new(&db).cypher(text);
        let hit = taken(&db) == "1" || foreign_rows(&db) == "0 0";
        assert_eq!(hit, major() == 17, "{text}");
        let db = two_tenants();
        assert!(
            App::new(&db).cypher(text).unwrap_err().starts_with("42501"),
            "{text}"
        );
        assert_eq!(
            (taken(&db).as_str(), foreign_rows(&db).as_str()),
            ("0", "1 1")
        );
    }
}

#[test]
fn plain_sql_on_labels_is_held_by_ordinary_row_security() {
    let db = two_tenants();
    let mut app = App::new(&db);
    let own = format!(
        "{{\"id\": \"00000000-0000-0000-0000-0000000000e1\", \"tenant_id\": \"{A}\", \"label\": \"x\"}}"
    );
    assert_eq!(
        app.sql(&format!("SELECT count(*)::text FROM {G}.\"Concept\""))
            .unwrap(),
        ["3"]
    );
    for statement in [
        format!(
            "UPDATE {G}.\"Concept\" SET properties = properties WHERE id = '{B1}' RETURNING 'x'"
        ),
        format!("DELETE FROM {G}.\"Concept\" WHERE id = '{B1}' RETURNING 'x'"),
    ] {
        assert_eq!(app.sql(&statement).unwrap(), [""; 0], "{statement}");
    }
    let insert = |properties: &str| {
        format!("INSERT INTO {G}.\"Concept\" (properties) VALUES ('{properties}') RETURNING 'x'")
    };
    assert!(
        app.sql(&insert(&own.replace(A, B)))
            .unwrap_err()
            .starts_with("42501")
    );
    assert_eq!(app.sql(&insert(&own)).unwrap(), ["x"]);
    assert_eq!(foreign_rows(&db), "1 1");
}

/// Runs Cypher as the application of tenant A with the vertex `$v` that its parameter makes up.
fn with_made_up(db: &Database, properties: &str, text: &str) -> Result<u64, String> {
    let mut app = App::new(db);
    app.session.run(&format!(
        "BEGIN; SET LOCAL ROLE edusphere_app; SELECT set_config('app.current_tenant', '{A}', true);
         PREPARE made_up(ag_catalog.agtype) AS SELECT * FROM cypher('{G}', $$ {text} $$, $1) AS (v agtype)"
    ));
    let vertex = format!(
        "{{\"v\": {{\"id\": {B1}, \"label\": \"Concept\", \"properties\": {properties}}}::vertex}}"
    );
    let outcome = app.session.attempt(&format!("EXECUTE made_up('{vertex}')"));
    app.session.run(if outcome.is_ok() {
        "COMMIT"
    } else {
        "ROLLBACK"
    });
    outcome
}

#[test]
fn a_vertex_that_a_parameter_makes_up_is_no_edges_end_and_is_not_taken_over() {
    let join = format!(
        "MATCH (a:Concept {{label: 'a1'}}) CREATE (a)-[r:CITES {{tenant_id: '{A}'}}]->(x) RETURN r"
    )
    .replace("CREATE", "WITH a, $v AS x CREATE");
    let take = "WITH $v AS v SET v.label = 'taken' RETURN v";
    let mine = format!(
        "{{\"id\": \"00000000-0000-0000-0000-0000000000b1\", \"tenant_id\": \"{A}\", \"label\": \"q\"}}"
    );
    let db = two_tenants();
    for (text, properties) in [(&join[..], "{}"), (take, &mine)] {
        let refused = with_made_up(&db, properties, text);
        if text == take && major() == 18 {
            assert!(
                refused.is_ok(),
                "AGE 1.8 leaves the row as it is: {refused:?}"
            );
        } else {
            assert!(refused.is_err(), "{text}");
        }
    }
    assert_eq!(foreign_rows(&db), "1 1");
    unguard(&db);
    assert!(
        with_made_up(&db, "{}", &join).is_ok(),
        "the hole that edu closes"
    );
    assert!(with_made_up(&db, &mine, take).is_ok());
    assert_eq!(
        foreign_rows(&db),
        if major() == 17 { "0 0" } else { "1 1" },
        "on 1.5 a whole vertex changes hands without edu"
    );
}

#[test]
fn a_vertex_that_a_parameter_makes_up_is_deleted_by_age_1_5_without_edu_alone() {
    let db = two_tenants();
    let delete = "WITH $v AS v DETACH DELETE v RETURN 1";
    let refused = with_made_up(&db, "{}", delete);
    assert_eq!(foreign_rows(&db), "1 1");
    if major() == 17 {
        assert!(refused.unwrap_err().starts_with("42501"));
    }
    unguard(&db);
    let _ = with_made_up(&db, "{}", delete);
    assert_eq!(foreign_rows(&db), if major() == 17 { "0 0" } else { "1 1" });
}

#[test]
fn the_application_deletes_its_own_vertices_by_sql_and_by_cypher_where_policies_hold_for_it() {
    let db = two_tenants();
    let mut app = App::new(&db);
    let cypher = app.cypher("MATCH (c:Concept {label: 'a1'}) DETACH DELETE c RETURN 1");
    assert_eq!(cypher.is_err(), major() == 17, "{cypher:?}");
    let own = |what: &str| format!("DELETE FROM {G}.\"{what}\" RETURNING 'x'");
    for label in ["CITES", "PREREQUISITE_OF", "RELATED_TO", "Concept"] {
        app.sql(&own(label)).unwrap();
    }
    assert_eq!(app.cypher("MATCH (c:Concept) RETURN c").unwrap(), [""; 0]);
    assert!(foreign_rows(&db).starts_with("1 "));
}

#[test]
fn an_ontology_that_keeps_cyphers_delete_is_told_of_the_hole() {
    let project = Project::copy_of_root();
    let ontology = std::fs::read_to_string(project.path().join("graph/ontology.toml")).unwrap();
    project.write(
        "graph/ontology.toml",
        &ontology.replacen("isolation =", "cypher_delete = true\nisolation =", 1),
    );
    let db = two_tenants();
    db.run("GRANT EXECUTE ON FUNCTION ag_catalog._cypher_delete_clause(internal) TO PUBLIC");
    let verify = project.edu(&["db", "graph", "verify", "--url", &db.url()]);
    assert_eq!(
        verify.says("age-fabricated-vertex"),
        major() == 17,
        "{verify:?}"
    );
    assert!(!verify.says("function-open"), "{verify:?}");
    let strict = db.edu(&["db", "graph", "verify"]);
    assert_eq!(
        strict.says("_cypher_delete_clause"),
        major() == 17,
        "{strict:?}"
    );
}

#[test]
fn an_edge_to_another_tenants_vertex_is_refused_and_one_to_a_vertex_of_the_same_statement_is_not() {
    let db = two_tenants();
    let mut app = App::new(&db);
    let edge = format!(
        "INSERT INTO {G}.\"CITES\" (start_id, end_id, properties) VALUES ('{A1}', '{B1}', '{{\"tenant_id\": \"{A}\"}}') RETURNING 'x'"
    );
    assert!(app.sql(&edge).unwrap_err().starts_with("23514"));
    let path = format!(
        "CREATE (a:Concept {{id: '00000000-0000-0000-0000-0000000000f1', tenant_id: '{A}', label: 'f1'}})-[r:CITES {{tenant_id: '{A}'}}]->(b:Concept {{id: '00000000-0000-0000-0000-0000000000f2', tenant_id: '{A}', label: 'f2'}}) SET b.domain = 'd' RETURN b.label"
    );
    assert_eq!(app.cypher(&path).unwrap(), ["\"f2\""]);
    let merge = format!(
        "MATCH (a:Concept {{label: 'a1'}}), (b:Concept {{label: 'f2'}}) MERGE (a)-[r:CITES {{tenant_id: '{A}'}}]->(b) SET b.label = 'f3' RETURN b.label"
    );
    assert_eq!(app.cypher(&merge).unwrap(), ["\"f3\""]);
    let delete = app.cypher("MATCH (b:Concept {label: 'f3'}) DETACH DELETE b RETURN 1");
    assert_eq!(delete.is_err(), major() == 17, "{delete:?}");
}
