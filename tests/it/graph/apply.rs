//! `edu db graph`: from any state to the declared one, however often, however broken off.

use std::process::{Command, Stdio};

use super::{G, verify};
use crate::support::{Database, Project, Template, database};

const A: &str = "00000000-0000-0000-0000-000000000001";

fn vertex(id: u32, more: &str) -> String {
    format!(
        "{{\"id\": \"00000000-0000-0000-0000-{id:012}\", \"tenant_id\": \"{A}\", \"label\": \"x\"{more}}}"
    )
}

/// A database that is bootstrapped and has this graph, made by hand.
fn made_by_hand(sql: &str) -> Database {
    let db = database(Template::Bootstrapped);
    db.run(&format!(
        "SET ROLE edusphere_owner; SET search_path = public, ag_catalog; {}",
        sql.replace("{G}", G)
    ));
    db
}

#[track_caller]
fn becomes_right(db: &Database) {
    db.edu(&["db", "graph"]).expect(0);
    assert_eq!(verify(db), [""; 0]);
    assert_eq!(db.edu(&["db", "graph"]).expect(0).stdout, "nothing to do\n");
}

#[test]
fn an_empty_graph_becomes_the_declared_one() {
    becomes_right(&made_by_hand(""));
}

#[test]
fn a_graph_made_by_hand_with_labels_only_becomes_the_declared_one() {
    becomes_right(&made_by_hand(
        "SELECT create_vlabel('{G}', 'Concept'); SELECT create_vlabel('{G}', 'Person'); SELECT create_elabel('{G}', 'RELATED_TO')",
    ));
}

#[test]
fn the_documents_literal_indexes_become_the_declared_ones() {
    becomes_right(&made_by_hand(
        "SELECT create_vlabel('{G}', 'Concept'); SELECT create_vlabel('{G}', 'Person'); SELECT create_vlabel('{G}', 'Term');
         CREATE INDEX idx_concept_tenant ON {G}.\"Concept\" USING btree ((properties->>'\"tenant_id\"'));
         CREATE INDEX idx_concept_label ON {G}.\"Concept\" USING gin ((properties->'\"label\"'));
         CREATE INDEX idx_person_name ON {G}.\"Person\" USING gin ((properties->'name'::text));
         CREATE INDEX idx_term_label ON {G}.\"Term\" USING gin ((properties->'label'::text))",
    ));
}

#[test]
fn rows_that_are_there_are_indexed_and_proved_and_bad_ones_are_told() {
    let db = made_by_hand("SELECT create_vlabel('{G}', 'Concept')");
    db.run(&format!(
        "INSERT INTO {G}.\"Concept\" (properties) VALUES ('{}'::ag_catalog.agtype)",
        vertex(1, "")
    ));
    becomes_right(&db);
    let db = made_by_hand("SELECT create_vlabel('{G}', 'Concept')");
    db.run(&format!(
        "INSERT INTO {G}.\"Concept\" (properties) VALUES ('{}'::ag_catalog.agtype)",
        vertex(1, ", \"confidence\": 7")
    ));
    let run = db.edu(&["db", "graph"]).expect(1);
    assert!(
        run.stderr.contains("edu_p_confidence on Concept")
            && run.stderr.contains("check-not-valid"),
        "{}",
        run.stderr
    );
    db.run(&format!("DELETE FROM {G}.\"Concept\""));
    becomes_right(&db);
}

#[test]
fn two_vertices_with_one_id_stop_the_unique_index_and_are_told() {
    let db = made_by_hand("SELECT create_vlabel('{G}', 'Concept')");
    let one = vertex(1, "");
    db.run(&format!("INSERT INTO {G}.\"Concept\" (properties) VALUES ('{one}'::ag_catalog.agtype), ('{one}'::ag_catalog.agtype)"));
    let run = db.edu(&["db", "graph"]).expect(5);
    assert!(
        run.stderr.contains("idx_concept_id") && run.stderr.contains("edu db graph check"),
        "{}",
        run.stderr
    );
}

#[test]
fn twenty_runs_at_once_make_the_graph_once() {
    let db = made_by_hand("");
    let children: Vec<_> = (0..20).map(|_| spawn(&db)).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    assert_eq!(verify(&db), [""; 0]);
}

#[test]
fn a_run_that_is_killed_leaves_nothing_half_made() {
    let db = made_by_hand("");
    // Killed at ever later moments, until one run is through: every state in between is met.
    for wait_ms in (20..).step_by(15) {
        let mut child = spawn(&db);
        let until = std::time::Instant::now() + std::time::Duration::from_millis(wait_ms);
        let ended = loop {
            match child.try_wait().unwrap() {
                Some(status) => break Some(status),
                None if std::time::Instant::now() > until => break None,
                None => std::thread::yield_now(),
            }
        };
        if ended.is_some_and(|status| status.success()) {
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let labels = db.one("SELECT count(*) FROM ag_catalog.ag_label");
        assert!(
            labels == "2" || labels == "17",
            "{labels} labels after {wait_ms} ms"
        );
    }
    becomes_right(&db);
}

#[test]
fn a_label_that_exists_as_the_other_kind_is_refused_with_its_place() {
    let db = made_by_hand("SELECT create_elabel('{G}', 'Concept')");
    let run = db.edu(&["db", "graph"]).expect(2);
    assert!(
        run.stderr.contains("graph/ontology.toml:") && run.stderr.contains("other kind"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_table_in_use_is_waited_for_within_the_budget_and_its_user_is_named() {
    let db = made_by_hand("SELECT create_vlabel('{G}', 'Concept')");
    let row = format!(
        "INSERT INTO {G}.\"Concept\" (properties) VALUES ('{}'::ag_catalog.agtype)",
        vertex(1, "")
    );
    db.run(&row);
    db.edu(&["db", "graph"]).expect(0);
    db.run(&format!("DROP INDEX {G}.idx_concept_id"));
    let mut writer = db.session("postgres");
    writer.run(&format!("BEGIN; {}", row.replace("000001\"", "000002\"")));
    let run = db
        .edu(&["db", "graph", "--table-lock-timeout", "50ms"])
        .expect(6);
    assert!(run.stderr.contains("in use by session"), "{}", run.stderr);
    writer.run("COMMIT");
    becomes_right(&db);
}

#[test]
fn concurrently_on_a_label_table_is_refused_wherever_it_stands() {
    let manifest = std::fs::read_to_string(Project::root().join("edu.toml")).unwrap();
    let migration =
        format!("-- edu: no-transaction\nCREATE INDEX CONCURRENTLY i ON {G}.\"Concept\" (id);\n");
    let project = Project::new(&[
        ("edu.toml", &manifest),
        ("migrations/V0001__x.sql", &migration),
    ]);
    let db = database(Template::Bootstrapped);
    let run = project
        .edu(&["db", "migrate", "--url", &db.url()])
        .expect(2);
    assert!(
        run.stderr.contains("CONCURRENTLY") && run.stderr.contains("silently"),
        "{}",
        run.stderr
    );
}

fn spawn(db: &Database) -> std::process::Child {
    Command::new(env!("CARGO_BIN_EXE_edu"))
        .args(["db", "graph", "--lock-timeout", "600s"])
        .args(["--url", &db.url()])
        .current_dir(Project::root())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}
