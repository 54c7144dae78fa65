//! What isolation in mode "enforced" closes and what it does not, row by row of the matrix that was
//! measured without it: reads, writes, and the ways around both.

use super::G;
use crate::support::{Database, Session, Template, database, major};

pub const A: &str = "00000000-0000-0000-0000-00000000000a";
pub const B: &str = "00000000-0000-0000-0000-00000000000b";

/// Graph ids: label 3 is Concept, counted from 1.
pub const A1: i64 = (3 << 48) + 1;
const A3: i64 = (3 << 48) + 3;
pub const B1: i64 = (3 << 48) + 4;

/// Three concepts of A, one of B; A1 → A2, and A1 → B1 → A3, which only a superuser could make.
pub fn two_tenants() -> Database {
    let db = database(Template::Migrated);
    let concept = |id: &str, tenant: &str| {
        format!(
            "('{{\"id\": \"00000000-0000-0000-0000-0000000000{id}\", \"tenant_id\": \"{tenant}\", \"label\": \"{id}\"}}')"
        )
    };
    let edge = |from: i64, to: i64| {
        format!("('{from}', '{to}', '{{\"tenant_id\": \"{A}\", \"strength\": \"required\"}}')")
    };
    db.run(&format!(
        "SET search_path = public, ag_catalog;
         INSERT INTO {G}.\"Concept\" (properties) VALUES {}, {}, {}, {};
         INSERT INTO {G}.\"PREREQUISITE_OF\" (start_id, end_id, properties) VALUES {}, {}, {}",
        concept("a1", A),
        concept("a2", A),
        concept("a3", A),
        concept("b1", B),
        edge(A1, A1 + 1),
        edge(A1, B1),
        edge(B1, A3),
    ));
    db
}

/// Without edu: the guard gone, and AGE's functions open to everybody, as `CREATE EXTENSION` leaves them.
pub fn unguard(db: &Database) {
    db.run(&format!(
        "ALTER TABLE {G}._ag_label_vertex DROP CONSTRAINT edu_tenant_guard;
         ALTER TABLE {G}._ag_label_edge DROP CONSTRAINT edu_tenant_guard;
         ALTER TABLE {G}._ag_label_vertex DROP CONSTRAINT edu_vertex_guard;
         ALTER TABLE {G}._ag_label_edge DROP CONSTRAINT edu_vertex_guard;
         GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ag_catalog TO PUBLIC"
    ));
}

pub struct App {
    pub session: Session,
}

impl App {
    pub fn new(db: &Database) -> Self {
        Self {
            session: db.session("edusphere_login"),
        }
    }

    /// Runs Cypher as the application of tenant A and keeps it. Rows as texts, or "SQLSTATE message".
    pub fn cypher(&mut self, text: &str) -> Result<Vec<String>, String> {
        self.sql(&format!(
            "SELECT format('%s', v) FROM cypher('{G}', $$ {text} $$) AS (v agtype)"
        ))
    }

    pub fn sql(&mut self, sql: &str) -> Result<Vec<String>, String> {
        self.session.run(&format!("BEGIN; SET LOCAL ROLE edusphere_app; SELECT set_config('app.current_tenant', '{A}', true)"));
        if let Err(error) = self.session.attempt(sql) {
            self.session.run("ROLLBACK");
            return Err(error);
        }
        // Once more for its rows: what it wrote is taken back first.
        self.session.run(&format!("ROLLBACK; BEGIN; SET LOCAL ROLE edusphere_app; SELECT set_config('app.current_tenant', '{A}', true)"));
        let rows = self
            .session
            .rows(sql)
            .into_iter()
            .map(|mut row| row.remove(0))
            .collect();
        self.session.run("COMMIT");
        Ok(rows)
    }

    /// Whether a write goes through and touches something; it is taken back.
    fn reaches(&mut self, text: &str) -> bool {
        self.session.run(&format!(
            "BEGIN; SET LOCAL ROLE edusphere_app; SELECT set_config('app.current_tenant', '{A}', true)"
        ));
        let sql = format!("SELECT * FROM cypher('{G}', $$ {text} $$) AS (v agtype)");
        let outcome = self.session.attempt(&sql);
        self.session.run("ROLLBACK");
        outcome.is_ok_and(|rows| rows > 0)
    }

    #[track_caller]
    fn denied(&mut self, text: &str) {
        if let Ok(rows) = self.cypher(text) {
            panic!("not refused: {text}\n{rows:?}");
        }
    }
}

pub fn foreign_rows(db: &Database) -> String {
    db.one(&format!(
        "SELECT count(*) || ' ' || count(*) FILTER (WHERE properties::text LIKE '%\"label\": \"b1\"%') FROM {G}.\"Concept\" WHERE ag_catalog.agtype_out(properties)::text LIKE '%{B}%'"
    ).replace("properties::text", "ag_catalog.agtype_out(properties)::text"))
}

#[test]
fn fixed_patterns_read_the_own_tenant_alone() {
    let db = two_tenants();
    let mut app = App::new(&db);
    for (text, rows) in [
        (
            "MATCH (c:Concept) RETURN c.label ORDER BY c.label",
            vec!["\"a1\"", "\"a2\"", "\"a3\""],
        ),
        ("MATCH (n) RETURN count(n)", vec!["3"]),
        (
            "MATCH (a:Concept)-[r:PREREQUISITE_OF]->(b:Concept) RETURN b.label",
            vec!["\"a2\""],
        ),
        ("MATCH ()-[r]->() RETURN count(r)", vec!["1"]),
        (
            "MATCH (a:Concept {label: 'a3'}) OPTIONAL MATCH (a)<-[r:PREREQUISITE_OF]-(b:Concept) RETURN count(b)",
            vec!["0"],
        ),
        (
            "MATCH (a:Concept) WHERE exists((a)<-[:PREREQUISITE_OF]-(:Concept)) RETURN a.label",
            vec!["\"a2\""],
        ),
    ] {
        assert_eq!(app.cypher(text).unwrap(), rows, "{text}");
    }
}

#[test]
fn unlabelled_patterns_leak_when_the_parents_have_no_policy() {
    let db = two_tenants();
    db.run(&format!(
        "ALTER TABLE {G}._ag_label_vertex DISABLE ROW LEVEL SECURITY"
    ));
    assert_eq!(
        App::new(&db).cypher("MATCH (n) RETURN count(n)").unwrap(),
        ["4"],
        "the leak that edu closes"
    );
    db.edu(&["db", "graph"]).expect(0);
    assert_eq!(
        App::new(&db).cypher("MATCH (n) RETURN count(n)").unwrap(),
        ["3"]
    );
}

#[test]
fn paths_and_functions_that_read_past_policies_leak_and_are_revoked() {
    let db = two_tenants();
    let through = "MATCH p = (a:Concept {label: 'a1'})-[*2..2]->(b:Concept) UNWIND nodes(p) AS n RETURN n.label";
    let stats = format!(
        "SELECT format('%s', s) FROM ag_catalog.age_graph_stats('\"{G}\"'::ag_catalog.agtype) AS s"
    );
    let shortest = format!(
        "SELECT format('%s', p) FROM ag_catalog.age_shortest_path('\"{G}\"'::ag_catalog.agtype, '{A1}'::ag_catalog.agtype, '{B1}'::ag_catalog.agtype) AS p"
    );
    unguard(&db);
    let mut app = App::new(&db);
    let leaked = app.cypher(through).unwrap();
    assert!(
        leaked.contains(&"\"b1\"".to_owned()),
        "the leak that edu closes: {leaked:?}"
    );
    if major() == 18 {
        let leaked = app.sql(&shortest);
        assert!(
            leaked.as_ref().is_err() || leaked.iter().flatten().any(|p| p.contains(B)),
            "{leaked:?}"
        );
    }
    db.edu(&["db", "graph"]).expect(0);
    let mut app = App::new(&db);
    assert!(app.cypher(through).unwrap_err().starts_with("42501"));
    if major() == 18 {
        for sql in [&stats, &shortest] {
            let refused = app.sql(sql).unwrap_err();
            assert!(
                refused.starts_with("42501") || refused.starts_with("42883"),
                "{refused}"
            );
        }
    }
    let vle = db.one(
        "SELECT count(*) FROM pg_proc WHERE pronamespace = 'ag_catalog'::regnamespace
         AND proname IN ('age_vle', 'age_shortest_path', 'age_all_shortest_paths', 'age_graph_stats', 'age_vertex_stats',
                         'load_labels_from_file', 'load_edges_from_file', 'agtype_typecast_vertex')
         AND has_function_privilege('edusphere_app', oid, 'EXECUTE')",
    );
    assert_eq!(vle, "0");
}

#[test]
fn the_end_of_a_visible_edge_does_not_give_a_foreign_vertex() {
    let db = two_tenants();
    let text = "MATCH ()-[r:PREREQUISITE_OF]->() RETURN endNode(r)";
    // The edge to B1 is visible by its own tenant; its end is not.
    let by_edge = "MATCH (a:Concept {label: 'a1'})-[r:PREREQUISITE_OF]->() RETURN count(r)";
    let mut app = App::new(&db);
    assert_eq!(app.cypher(by_edge).unwrap(), ["1"]);
    if major() == 17 {
        assert!(
            app.cypher(text).unwrap_err().starts_with("42501"),
            "AGE 1.5's endNode is revoked"
        );
    } else {
        let rows = app.cypher(text).unwrap();
        assert!(rows.iter().all(|row| !row.contains(B)), "{rows:?}");
    }
}

const FOREIGN_WRITES: [&str; 7] = [
    "CREATE (c:Concept {id: '00000000-0000-0000-0000-0000000000c1', tenant_id: '00000000-0000-0000-0000-00000000000b', label: 'x'}) RETURN c",
    "CREATE (c:Concept {id: '00000000-0000-0000-0000-0000000000c2', label: 'x'}) RETURN c",
    "MATCH (c:Concept {label: 'a1'}) SET c.tenant_id = '00000000-0000-0000-0000-00000000000b' RETURN c",
    "MATCH (c:Concept {label: 'a1'}) REMOVE c.tenant_id RETURN c",
    "MATCH (c:Concept {label: 'a1'}) SET c = {} RETURN c",
    "MERGE (c:Concept {id: '00000000-0000-0000-0000-0000000000c3', tenant_id: '00000000-0000-0000-0000-00000000000b', label: 'b1'}) RETURN c",
    "MATCH (a:Concept {label: 'a1'}), (b:Concept {label: 'a2'}) CREATE (a)-[r:PREREQUISITE_OF {tenant_id: '00000000-0000-0000-0000-00000000000b', strength: 'required'}]->(b) RETURN r",
];

#[test]
fn no_write_reaches_another_tenant() {
    let db = two_tenants();
    let mut app = App::new(&db);
    for text in FOREIGN_WRITES {
        app.denied(text);
    }
    let set = "MATCH (c:Concept {label: 'b1'}) SET c.label = 'x' RETURN c";
    assert_eq!(app.cypher(set).unwrap(), [""; 0]);
    // Before AGE 1.7 nobody would ask whose it is.
    match app.cypher("MATCH (c:Concept {label: 'b1'}) DETACH DELETE c RETURN c") {
        Ok(rows) => assert_eq!((rows.len(), major()), (0, 18)),
        Err(error) => assert!(error.starts_with("42501") && major() == 17, "{error}"),
    }
    assert_eq!(foreign_rows(&db), "1 1");
    let own = "CREATE (c:Concept {id: '00000000-0000-0000-0000-0000000000c9', tenant_id: '00000000-0000-0000-0000-00000000000a', label: 'own'}) RETURN c.label";
    assert_eq!(app.cypher(own).unwrap(), ["\"own\""]);
}

#[test]
fn without_the_guard_age_before_1_7_lets_foreign_writes_through() {
    let db = two_tenants();
    unguard(&db);
    let mut app = App::new(&db);
    let through = FOREIGN_WRITES.map(|text| app.reaches(text));
    // A vertex without a tenant breaks its property schema; all else is the guard's alone on 1.5.
    let wanted = if major() == 17 {
        [true, false, true, false, false, true, true]
    } else {
        [false; 7]
    };
    assert_eq!(through, wanted);
}

#[test]
fn a_session_without_a_context_writes_nothing() {
    let db = two_tenants();
    let mut login = db.session("edusphere_login");
    for label in [":Concept", ""] {
        login.run("BEGIN; SET LOCAL ROLE edusphere_app");
        let create = format!(
            "SELECT * FROM cypher('{G}', $$ CREATE (c{label} {{label: 'x'}}) RETURN c $$) AS (v agtype)"
        );
        assert!(login.attempt(&create).is_err(), "{create}");
        login.run("ROLLBACK");
    }
}

#[test]
fn a_vertex_made_up_in_the_text_is_refused() {
    let db = two_tenants();
    let made_up = format!("{{id: {B1}, label: 'Concept', properties: {{}}}}::vertex");
    let delete = format!("WITH {made_up} AS v DETACH DELETE v RETURN 1");
    let join = format!(
        "MATCH (a:Concept {{label: 'a1'}}) WITH a, {made_up} AS v CREATE (a)-[r:CITES {{tenant_id: '{A}'}}]->(v) RETURN r"
    );
    let mut app = App::new(&db);
    for text in [&delete, &join] {
        assert!(app.cypher(text).unwrap_err().starts_with("42501"), "{text}");
    }
    assert_eq!(foreign_rows(&db), "1 1");
    unguard(&db);
    let mut app = App::new(&db);
    assert!(app.cypher(&join).is_ok(), "the hole that edu closes");
    let _ = app.cypher(&delete);
    assert_eq!(
        foreign_rows(&db),
        if major() == 17 { "0 0" } else { "1 1" },
        "the hole of 1.5 that edu closes"
    );
}

#[test]
fn what_stays_open_is_named_by_verify_and_an_edge_across_tenants_is_found_by_check() {
    let db = two_tenants();
    let verify = db.edu(&["db", "graph", "verify", "--output", "json"]);
    assert!(
        verify.stdout.contains("age-paths-unchecked"),
        "{}",
        verify.stdout
    );
    // Only AGE 1.5 deletes without asking, and so may not.
    assert_eq!(
        verify.stdout.contains("age-delete-unchecked"),
        major() == 17
    );
    assert!(!verify.stdout.contains("age-fabricated-vertex"));
    // What a superuser wrote past the guard has to be found.
    let check = db
        .edu(&["db", "graph", "check", "--output", "json"])
        .expect(1);
    assert!(
        check.stdout.contains("data-cross-tenant") && check.stdout.contains("2 edges"),
        "{}",
        check.stdout
    );
}
