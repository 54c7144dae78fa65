//! What stands around a graph: marks that a restore loses, the proof of an index, a server that does not
//! preload AGE, another name, another version.

use std::fs;

use super::rows::{A, Files, copy_of_the_project, edge, id, line, tenants};
use super::{G, findings, verify};
use crate::support::{Database, Plain, Project, Template, database, major, runtime};

fn made(project: &Project, url: &str, args: &[&str], code: i32) -> crate::support::Run {
    project.edu(&[args, &["--url", url]].concat()).expect(code)
}

#[test]
fn leakproof_marks_are_set_used_lost_and_set_again() {
    let db = database(Template::Migrated);
    tenants(&db);
    let files = Files::new();
    let rows: String = (1..=3_000).map(|n| line(n, A)).collect();
    db.edu(&["db", "graph", "load", &files.write("v.ndjson", &rows)])
        .expect(0);
    db.run("ANALYZE");
    let project = copy_of_the_project();
    let ontology = fs::read_to_string(Project::root().join("graph/ontology.toml")).unwrap();
    project.write(
        "graph/ontology.toml",
        &ontology.replace("\nisolation", "\nleakproof = true\nisolation"),
    );
    let missing = |project: &Project| {
        let run = project.edu(&[
            "db",
            "graph",
            "verify",
            "--output",
            "json",
            "--url",
            &db.url(),
        ]);
        findings(&run)
            .iter()
            .filter(|one| one.starts_with("leakproof-missing"))
            .count()
    };
    let plan = || {
        let mut app = db.session("edusphere_login");
        app.run(&format!("BEGIN; SET LOCAL ROLE edusphere_app; SELECT set_config('app.current_tenant', '{A}', true)"));
        let rows = app.rows(&format!("EXPLAIN SELECT * FROM cypher('{G}', $$ MATCH (c:Concept) WHERE c.id = '{}' RETURN c $$) AS (v agtype)", id(7)));
        rows.concat().join("\n")
    };
    assert!(!plan().contains("idx_concept_id"), "{}", plan());
    assert!(missing(&project) >= 4);
    made(&project, &db.url(), &["db", "graph"], 0);
    assert_eq!(missing(&project), 0);
    assert!(plan().contains("idx_concept_id"), "{}", plan());
    // As a restore loses them.
    db.run("ALTER FUNCTION ag_catalog.agtype_eq NOT LEAKPROOF");
    assert_eq!(missing(&project), 1);
    made(&project, &db.url(), &["db", "graph"], 0);
    assert_eq!(missing(&project), 0);
}

#[test]
fn a_built_index_is_proved_with_amcheck_where_it_is_there() {
    let db = database(Template::Migrated);
    tenants(&db);
    let files = Files::new();
    let rows: String = (1..=50).map(|n| line(n, A)).collect();
    db.edu(&["db", "graph", "load", &files.write("v.ndjson", &rows)])
        .expect(0);
    let drop = format!("DROP INDEX {G}.idx_concept_id");
    db.run(&drop);
    let refused = db.edu(&["db", "graph", "--amcheck"]).expect(8);
    assert!(
        refused.stderr.contains("\"amcheck\" is not created")
            && refused.stderr.contains("CREATE EXTENSION amcheck"),
        "{}",
        refused.stderr
    );
    db.run(&format!("CREATE EXTENSION amcheck; {drop}"));
    let calls = "SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass('edusphere_graph.idx_concept_id') AND indisvalid";
    db.edu(&["db", "graph", "--amcheck"]).expect(0);
    assert_eq!(db.one(calls), "1");
    // What amcheck says is listened to.
    db.run(&format!(
        "{drop}; ALTER EXTENSION amcheck DROP FUNCTION bt_index_check(regclass, boolean);
         CREATE OR REPLACE FUNCTION bt_index_check(index regclass, heapallindexed boolean) RETURNS void LANGUAGE plpgsql
         AS 'BEGIN RAISE EXCEPTION ''heap tuple lacks matching index tuple''; END'"
    ));
    let failed = db.edu(&["db", "graph", "--amcheck"]).expect(5);
    assert!(
        failed
            .stderr
            .contains("prove index \"idx_concept_id\" on Concept with amcheck"),
        "{}",
        failed.stderr
    );
}

#[test]
fn a_server_that_does_not_preload_age_is_told_until_the_sessions_load_it() {
    let server = Plain::of_major(major(), "");
    let (project, url) = (Project::copy_of_root(), server.url("edusphere"));
    made(&project, &url, &["db", "bootstrap", "--create"], 0);
    made(&project, &url, &["db", "migrate"], 0);
    let run =
        || findings(&project.edu(&["db", "graph", "verify", "--output", "json", "--url", &url]));
    assert_eq!(
        run(),
        [""; 0],
        "bootstrap has the database's sessions load it"
    );
    let mut admin = crate::support::Session::at(&url);
    admin.run("ALTER DATABASE edusphere RESET session_preload_libraries");
    assert_eq!(
        run(),
        ["not-preloaded extension age"],
        "and edu itself works all the same"
    );
    made(
        &project,
        &url,
        &[
            "db",
            "graph",
            "query",
            "find_concepts",
            "--param",
            "search=x",
        ],
        0,
    );
    admin.run("ALTER ROLE edusphere_login SET session_preload_libraries = 'age'");
    assert_eq!(run(), [""; 0]);
    made(&project, &url, &["db", "graph", "verify", "--prove"], 0);
}

#[test]
fn a_renamed_graph_is_repaired_and_writes_again() {
    let db = database(Template::Migrated);
    tenants(&db);
    const OTHER: &str = "renamed_graph";
    db.run(&format!(
        "SET search_path = public, ag_catalog; SELECT alter_graph('{G}', 'RENAME', '{OTHER}')"
    ));
    let project = copy_of_the_project();
    for folder in ["", "graph", "graph/queries", "graph/fixtures"] {
        for entry in fs::read_dir(project.path().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let text = fs::read_to_string(&path).unwrap();
                fs::write(&path, text.replace(G, OTHER)).unwrap();
            }
        }
    }
    let create = format!(
        "SET search_path = public, ag_catalog; SELECT * FROM cypher('{OTHER}', $$ CREATE (c:Concept {{id: '{}', tenant_id: '{A}', label: 'n'}}) $$) AS (v agtype)",
        id(9)
    );
    assert!(
        db.session("postgres").attempt(&create).is_err(),
        "what alter_graph leaves"
    );
    let found = |project: &Project| {
        findings(&project.edu(&[
            "db",
            "graph",
            "verify",
            "--output",
            "json",
            "--url",
            &db.url(),
        ]))
    };
    let before = found(&project);
    assert!(
        before
            .iter()
            .any(|one| one == "label-id-default label Concept"),
        "{before:#?}"
    );
    let shown = made(&project, &db.url(), &["db", "graph", "repair"], 1);
    assert!(
        shown.stdout.contains("default of ids in Concept"),
        "{}",
        shown.stdout
    );
    assert!(
        db.session("postgres").attempt(&create).is_err(),
        "the dry run changed nothing"
    );
    made(&project, &db.url(), &["db", "graph", "repair", "--yes"], 0);
    db.run(&create);
    made(&project, &db.url(), &["db", "graph"], 0);
    assert_eq!(found(&project), [""; 0]);
    made(
        &project,
        &db.url(),
        &["db", "graph", "verify", "--prove"],
        0,
    );
    made(&project, &db.url(), &["db", "graph", "check"], 0);
}

/// Runs on PostgreSQL 18: its other server is of 17.
#[test]
fn a_graph_of_age_1_5_is_restored_on_1_8_repaired_and_answers() {
    if major() != 18 {
        return;
    }
    let old = Plain::of_major(17, "-c shared_preload_libraries=age -c jit=off");
    let (project, url) = (Project::copy_of_root(), old.url("edusphere"));
    made(&project, &url, &["db", "bootstrap", "--create"], 0);
    made(&project, &url, &["db", "migrate"], 0);
    let files = Files::new();
    crate::support::Session::at(&url).run(&format!(
        "INSERT INTO tenants (id, name, slug) VALUES ('{A}', 'A', 'a')"
    ));
    let rows = (1..=50)
        .map(|n| line(n, A))
        .chain((1..50).map(|n| edge(n, n + 1)));
    let file = files.write("g.ndjson", &rows.collect::<String>());
    made(&project, &url, &["db", "graph", "load", &file], 0);
    made(
        &project,
        &url,
        &["db", "graph", "dump", &files.path("before")],
        0,
    );
    let run = |program: &str, args: &[&str]| {
        let output = runtime().command(program).args(args).output().unwrap();
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert_eq!(run("pg_dump", &["-f", &files.path("dump"), "-d", &url]), "");
    // Some releases of 17 write a column option into their dumps that no 18 knows.
    let dump = fs::read_to_string(files.path("dump")).unwrap();
    let known =
        |line: &&str| !(line.starts_with("ALTER TABLE") && line.contains("SET (pg_attver="));
    let dump: Vec<&str> = dump.lines().filter(known).collect();
    let dump = files.write("known", &(dump.join("\n") + "\n"));
    let restored: Database = database(Template::Empty);
    let source = database(Template::Migrated);
    let said = run("psql", &["-X", "-q", "-d", &restored.url(), "-f", &dump]);
    // The test server's databases have an empty schema ag_catalog to begin with; privileges on functions
    // whose arguments are others in 1.8 are given by `edu db graph`.
    let errors = said.lines().filter(|line| {
        line.contains("ERROR:")
            && !line.contains("\"ag_catalog\" already exists")
            && !line.contains("function ag_catalog.")
    });
    assert_eq!(errors.collect::<Vec<_>>(), [""; 0], "{said}");
    restored.take_settings_of(&source);
    let found = verify(&restored);
    for wanted in ["graph-oid-stale graph", "cache-trigger-missing"] {
        assert!(
            found.iter().any(|one| one.starts_with(wanted)),
            "{wanted}: {found:#?}"
        );
    }
    restored.edu(&["db", "graph", "repair", "--yes"]).expect(0);
    restored.edu(&["db", "graph"]).expect(0);
    assert_eq!(verify(&restored), [""; 0]);
    restored
        .edu(&["db", "graph", "verify", "--prove"])
        .expect(0);
    restored.edu(&["db", "graph", "check"]).expect(0);
    restored
        .edu(&["db", "graph", "dump", &files.path("after")])
        .expect(0);
    let text = |name: &str| fs::read_to_string(files.path(name)).unwrap();
    assert_eq!(text("before"), text("after"));
    restored.run(&format!("SET search_path = public, ag_catalog; SELECT * FROM cypher('{G}', $$ CREATE (c:Concept {{id: '{}', tenant_id: '{A}', label: 'n'}}) $$) AS (v agtype)", id(99)));
}
