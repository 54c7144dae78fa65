//! `edu db verify`, `edu db snapshot` and `edu db fingerprint`.

use std::fs;
use std::process::Stdio;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::support::{Database, Project, Run, Template, database, edu, major, runtime};

/// This repository's project in a folder of its own, with a committed catalog of the major under test.
fn snapshotted() -> Project {
    static TEXT: OnceLock<String> = OnceLock::new();
    let project = Project::copy_of_root();
    let text = TEXT.get_or_init(|| {
        let major = major().to_string();
        project
            .edu(&["db", "snapshot", "--major", &major])
            .expect(0);
        fs::read_to_string(project.path().join(CATALOG)).unwrap()
    });
    project.write(CATALOG, text);
    project
}

const CATALOG: &str = "spec/catalog.json";

fn verify(project: &Project, db: &Database, more: &[&str]) -> Run {
    verify_as(project, &db.url(), more)
}

fn verify_as(project: &Project, url: &str, more: &[&str]) -> Run {
    project.edu(&[&["db", "verify", "--url", url], more].concat())
}

#[test]
fn a_migrated_database_is_what_the_spec_says() {
    let db = database(Template::Seeded);
    let run = db.edu(&["db", "verify", "--fresh"]).expect(0);
    assert!(run.says("no differences"), "{}", run.stdout);
    assert!(run.says("on a scratch database"), "{}", run.stdout);
}

#[test]
fn the_mark_of_a_protected_database_is_no_drift() {
    let db = database(Template::Migrated);
    let fingerprint = || db.edu(&["db", "fingerprint"]).expect(0).stdout;
    let before = fingerprint();
    let name = &db.name;
    db.run(&format!("ALTER DATABASE {name} SET edu.protected = on"));
    let run = verify(&snapshotted(), &db, &[]).expect(0);
    assert!(run.says("no differences"), "{}", run.stdout);
    assert_eq!(fingerprint(), before);
    // Any other setting is one.
    db.run(&format!("ALTER DATABASE {name} SET edu.other = on"));
    verify(&snapshotted(), &db, &[]).expect(3);
}

#[test]
fn the_committed_catalog_of_this_project_is_up_to_date() {
    if major() != 17 {
        return; // It is made for the project's own major.
    }
    edu(&Project::root(), &["db", "snapshot", "--check"]).expect(0);
    let db = database(Template::Migrated);
    let run = db.edu(&["db", "verify"]).expect(0);
    assert!(run.says("expected: spec/catalog.json"), "{}", run.stdout);
}

#[test]
fn the_migrations_give_what_the_spec_says() {
    let major = major().to_string();
    let run = edu(
        &Project::root(),
        &["db", "verify", "--project-only", "--major", &major],
    )
    .expect(0);
    assert!(run.says("spec = migrations"), "{}", run.stdout);
}

#[test]
fn a_committed_catalog_spares_the_scratch_server_and_goes_stale_with_the_spec() {
    let project = snapshotted();
    let db = database(Template::Migrated);
    let run = verify(
        &project,
        &db,
        &["--scratch-url", "postgresql://nobody@localhost:1/x"],
    )
    .expect(0);
    assert!(run.says("expected: spec/catalog.json"), "{}", run.stdout);
    let major = major().to_string();
    project
        .edu(&["db", "snapshot", "--check", "--major", &major])
        .expect(0);

    let path = "spec/schema/20_tenants.sql";
    let text = fs::read_to_string(project.path().join(path)).unwrap();
    project.write(path, &format!("-- a comment changes nothing\n{text}"));
    verify(&project, &db, &[])
        .expect(0)
        .says("expected: spec/catalog.json");
    project.write(path, &text.replace("DEFAULT 50", "DEFAULT 51"));
    project
        .edu(&["db", "snapshot", "--check", "--major", &major])
        .expect(3);
    let run = verify(&project, &db, &[]).expect(3);
    assert!(run.says("default: expected 51, found 50"), "{}", run.stdout);
}

#[test]
fn drift_is_told_with_its_consequence_and_its_repair_in_every_format() {
    let project = snapshotted();
    let db = database(Template::Migrated);
    db.run("ALTER TABLE public.users DISABLE ROW LEVEL SECURITY");
    let junit = project.path().join("report.xml");
    let sarif = project.path().join("report.sarif");
    let run = verify(
        &project,
        &db,
        &[
            "--output",
            "text",
            "--output",
            &format!("junit={}", junit.display()),
            "--output",
            &format!("sarif={}", sarif.display()),
        ],
    )
    .expect(3);
    assert!(run.says("every role with a privilege sees every tenant [table-row-security]"));
    assert!(run.says("| ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;"));
    assert!(
        fs::read_to_string(junit)
            .unwrap()
            .contains("failures=\"1\"")
    );
    assert!(
        fs::read_to_string(sarif)
            .unwrap()
            .contains("table-row-security")
    );
    let run = verify(&project, &db, &["--output", "json"]).expect(3);
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(json["findings"][0]["level"], "critical");
    assert_eq!(json["clean"], false);
}

#[test]
fn a_role_without_privileges_verifies_and_hears_what_it_may_not_see() {
    let project = snapshotted();
    let db = database(Template::Migrated);
    let role = format!("{}_looker", db.name);
    db.run(&format!("CREATE ROLE {role} LOGIN"));
    let run = verify_as(&project, &db.url_as(&role), &[]);
    db.run(&format!("DROP ROLE {role}"));
    let run = run.expect(0);
    assert!(run.says("not seen: graphs and labels"), "{}", run.stdout);
    assert!(run.says("not seen: the schema history"), "{}", run.stdout);
}

#[test]
fn a_pending_migration_is_pending_and_its_work_is_no_drift() {
    let project = snapshotted();
    let db = database(Template::Migrated);
    project.write(
        "migrations/V0999__later.sql",
        "CREATE TABLE public.later (id int PRIMARY KEY);\n",
    );
    project.write(
        "spec/schema/99_later.sql",
        "CREATE TABLE public.later (id int PRIMARY KEY);\nREVOKE ALL ON public.later FROM edusphere_app;\n",
    );
    let run = verify(&project, &db, &[]).expect(3);
    assert!(run.says("migration-pending"), "{}", run.stdout);
    assert!(!run.says("public.later"), "{}", run.stdout);
}

#[test]
fn a_changed_migration_is_a_conflict_of_the_history() {
    let project = snapshotted();
    let db = database(Template::Migrated);
    let path = "migrations/V0003__search_functions.sql";
    let text = fs::read_to_string(project.path().join(path)).unwrap();
    project.write(path, &format!("{text}\nSELECT 1;\n"));
    let run = verify(&project, &db, &[]).expect(4);
    assert!(run.says("history-conflict"), "{}", run.stdout);
}

#[test]
fn an_accepted_difference_is_quiet_until_its_day_and_told_when_it_is_unused() {
    let project = snapshotted();
    let db = database(Template::Migrated);
    let manifest = fs::read_to_string(project.path().join("edu.toml")).unwrap();
    let entry = |until: &str| {
        format!(
            "{manifest}\n[[accept]]\nobject = \"index stray on public.users\"\nreason = \"an experiment\"\nuntil = {until}\n"
        )
    };
    project.write("edu.toml", &entry("2999-01-01"));
    let run = verify(&project, &db, &[]).expect(3);
    assert!(run.says("acceptance-unused"), "{}", run.stdout);
    db.run("CREATE INDEX stray ON public.users (display_name)");
    let run = verify(&project, &db, &[]).expect(0);
    assert!(run.says("accepted by edu.toml: 1"), "{}", run.stdout);
    project.write("edu.toml", &entry("\"2001-01-01\""));
    let run = verify(&project, &db, &[]).expect(3);
    assert!(run.says("acceptance-expired") && run.says("index-unexpected"));
}

#[test]
fn what_has_no_model_is_named_and_fails_only_when_asked() {
    let project = snapshotted();
    let db = database(Template::Migrated);
    db.run("CREATE TEXT SEARCH CONFIGURATION public.odd (COPY = simple)");
    let run = verify(&project, &db, &[]).expect(0);
    assert!(
        run.says("text search configuration public.odd"),
        "{}",
        run.stdout
    );
    verify(&project, &db, &["--strict-coverage"]).expect(3);
}

#[test]
fn a_run_in_progress_is_said_and_nothing_counts_as_drift() {
    let project = snapshotted();
    let db = database(Template::Migrated);
    let mut runner = db.session("postgres");
    runner.run(
        "SELECT pg_advisory_lock(1701082368, 1); CREATE INDEX half ON public.users (display_name)",
    );
    let run = verify(&project, &db, &[]).expect(0);
    assert!(run.says("a run is in progress"), "{}", run.stdout);
    drop(runner);
}

/// What sessions do over and over while the database is looked at; `{db}` is its name. Upkeep is one session's:
/// VACUUM and REINDEX would wait for each other.
const WORK: [&[&str]; 7] = [
    &[
        "UPDATE public.users SET display_name = display_name || '.' WHERE length(display_name) < 60",
        "BEGIN; DELETE FROM public.users; ROLLBACK",
    ],
    &[
        "BEGIN; CREATE TEMPORARY TABLE mine (i int) ON COMMIT DROP; INSERT INTO mine VALUES (1); COMMIT",
        "CREATE TEMPORARY TABLE mine (id serial PRIMARY KEY, v int CHECK (v > 0));
         CREATE TEMPORARY TABLE yours (id serial PRIMARY KEY, mine int REFERENCES mine); CREATE INDEX ON yours (mine)",
        "DROP TABLE yours, mine",
    ],
    &[
        "CREATE TEMPORARY TABLE guarded (i int, v int DEFAULT 1);
         CREATE FUNCTION pg_temp.same() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
         CREATE TRIGGER same BEFORE INSERT ON guarded FOR EACH ROW EXECUTE FUNCTION pg_temp.same();
         CREATE RULE kept AS ON DELETE TO guarded DO INSTEAD NOTHING;
         ALTER TABLE guarded ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON guarded USING (v > 1);
         CREATE TEMPORARY VIEW seen AS SELECT * FROM guarded",
        "DROP VIEW seen; DROP TABLE guarded; DROP FUNCTION pg_temp.same",
    ],
    &[
        "CREATE ROLE {db}_other LOGIN; ALTER ROLE {db}_other SET work_mem = '8MB';
         GRANT SET ON PARAMETER log_statement TO {db}_other",
        "DROP OWNED BY {db}_other; DROP ROLE {db}_other",
    ],
    // Not those of temporary tables, which are other sessions'.
    &["SELECT nextval(oid::regclass) FROM pg_class WHERE relkind = 'S' AND relpersistence = 'p'"],
    &[
        "BEGIN; SET LOCAL search_path = ag_catalog, public; SET LOCAL row_security = off;
         SELECT * FROM cypher('edusphere_graph', $$ MATCH (n) RETURN count(n) $$) AS (n agtype); ROLLBACK",
    ],
    &[
        "VACUUM (ANALYZE) public.users",
        "REINDEX TABLE CONCURRENTLY public.users",
        "REINDEX TABLE CONCURRENTLY public.tenants",
        "REINDEX TABLE CONCURRENTLY public.content_embeddings",
        "VACUUM FULL public.courses",
        "ANALYZE",
    ],
];

/// What is asked in turn beside `db verify`.
const LOOKS: [&[&str]; 7] = [
    &["db", "rls", "--engine", "static,proof"],
    &["db", "top"],
    &["db", "index", "status"],
    &["db", "graph", "verify"],
    &["db", "maintain", "--dry-run"],
    &["db", "status"],
    &["db", "plan"],
];

/// Says so when it goes, however it goes.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn work_and_upkeep_at_the_same_time_raise_no_false_alarm() {
    let project = snapshotted();
    let db = database(Template::Seeded);
    let ended = AtomicBool::new(false);
    let rounds = WORK.map(|_| AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for (work, rounds) in WORK.into_iter().zip(&rounds) {
            let (db, ended) = (&db, &ended);
            scope.spawn(move || {
                let _ends = Ends(ended);
                let mut session = db.session("postgres");
                while !ended.load(Ordering::Relaxed) {
                    for statement in work {
                        session.run(&statement.replace("{db}", &db.name));
                    }
                    rounds.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let _ends = Ends(&ended);
        let all_worked = || {
            rounds
                .iter()
                .all(|rounds| rounds.load(Ordering::Relaxed) > 2)
        };
        for round in 0_usize.. {
            let done = round >= 2 * LOOKS.len() && all_worked();
            if done || ended.load(Ordering::Relaxed) {
                break;
            }
            verify(&project, &db, &["--quiet"]).expect(0);
            let look = LOOKS[round % LOOKS.len()];
            project
                .edu(&[look, &["--url", &db.url()]].concat())
                .expect(0);
        }
    });
}

#[test]
fn a_dump_and_a_restore_keep_the_fingerprint() {
    let db = database(Template::Seeded);
    let restored = database(Template::Bare);
    let before = db.edu(&["db", "fingerprint"]).expect(0).stdout;
    let dump = runtime()
        .command("pg_dump")
        .args(["--create", "--format=custom", &db.url()])
        .output()
        .unwrap();
    assert!(
        dump.status.success(),
        "{}",
        String::from_utf8_lossy(&dump.stderr)
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), dump.stdout).unwrap();
    let done = runtime()
        .command("pg_restore")
        .args(["--exit-on-error", "--dbname", &restored.url()])
        .arg(file.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    // Settings and privileges of the database itself come with --create only, under the old name.
    restored.take_settings_of(&db);
    let after = restored.edu(&["db", "fingerprint"]).expect(0).stdout;
    assert_eq!(before, after);
}

#[test]
fn a_column_changes_the_fingerprint_and_a_row_does_not() {
    let db = database(Template::Seeded);
    let print = || db.edu(&["db", "fingerprint"]).expect(0).stdout;
    let before = print();
    db.run("UPDATE public.users SET display_name = 'x'; ANALYZE");
    assert_eq!(before, print());
    db.run("ALTER TABLE public.users ADD COLUMN extra int");
    assert_ne!(before, print());
}

/// The findings of a run, as (code, object).
fn told(run: &Run) -> Vec<(String, String)> {
    let json: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    let word = |finding: &serde_json::Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let findings = json["findings"].as_array().unwrap().iter();
    let failing = findings.filter(|finding| finding["level"] != "note");
    failing
        .map(|finding| (word(finding, "code"), word(finding, "object")))
        .collect()
}

#[test]
fn one_report_holds_catalog_graph_vectors_and_isolation() {
    let project = snapshotted();
    let db = database(Template::Seeded);
    let run = verify(&project, &db, &[]).expect(0);
    for said in [
        "expected: spec/catalog.json",
        "queries planned",
        "3 indexes looked at",
        "attempts on a scratch database of the same posture (recorded in spec/catalog.json)",
    ] {
        assert!(run.says(said), "{said}: {}", run.stdout);
    }
    // Nothing of the catalog differs after these, and each part finds its own.
    db.run(
        "SET session_replication_role = replica;
         INSERT INTO public.content_embeddings (tenant_id, asset_id, source_text, embedding, model_name)
         VALUES (gen_random_uuid(), gen_random_uuid(), 'x', array_fill(0, ARRAY[768])::vector, 'm')",
    );
    let run = verify(&project, &db, &["--output", "json"]).expect(3);
    let index = "index idx_content_emb_hnsw on public.content_embeddings";
    assert_eq!(told(&run), [("vector-index-differs".into(), index.into())]);
    assert!(run.says("zero vector"), "{}", run.stdout);
    let text = fs::read_to_string(project.path().join("spec/access.toml")).unwrap();
    project.write(
        "spec/access.toml",
        &text.replacen("insert = \"deny\"", "insert = \"tenant\"", 1),
    );
    let run = verify(&project, &db, &["--only", "isolation", "--output", "json"]).expect(3);
    assert!(!told(&run).is_empty(), "{}", run.stdout);
    verify(&project, &db, &["--only", "catalog,graph"]).expect(0);
}

#[test]
fn what_follows_from_a_difference_is_counted_and_not_told_again() {
    let project = snapshotted();
    let db = database(Template::Migrated);
    db.run("ALTER TABLE public.users DISABLE ROW LEVEL SECURITY");
    let run = verify(&project, &db, &["--output", "json"]).expect(3);
    let codes = told(&run);
    assert_eq!(
        codes,
        [("table-row-security".into(), "table public.users".into())]
    );
    assert!(run.says("from the differences above"), "{}", run.stdout);
    // Alone, the part tells all that it finds.
    let run = verify(&project, &db, &["--only", "isolation", "--output", "json"]).expect(3);
    let codes: Vec<String> = told(&run).into_iter().map(|(code, _)| code).collect();
    assert!(codes.contains(&"rls-disabled".to_owned()), "{codes:?}");
    assert!(codes.contains(&"posture-differs".to_owned()), "{codes:?}");
}

#[test]
fn an_accepted_difference_hides_no_finding_about_isolation() {
    let project = snapshotted();
    let db = database(Template::Migrated);
    db.run("ALTER TABLE public.users DISABLE ROW LEVEL SECURITY");
    let manifest = fs::read_to_string(project.path().join("edu.toml")).unwrap();
    let entry = "[[accept]]\nobject = \"table public.users\"\nreason = \"a test\"\n";
    project.write("edu.toml", &format!("{manifest}\n{entry}"));
    let run = verify(&project, &db, &["--output", "json"]).expect(3);
    let codes: Vec<String> = told(&run).into_iter().map(|(code, _)| code).collect();
    assert!(codes.contains(&"rls-disabled".to_owned()), "{codes:?}");
}

#[test]
fn what_a_graph_lacks_is_told_once_and_by_its_part_alone_when_asked() {
    let project = snapshotted();
    let db = database(Template::Seeded);
    db.run("ALTER TABLE edusphere_graph.\"Concept\" DISABLE ROW LEVEL SECURITY");
    let run = verify(&project, &db, &["--output", "json"]).expect(3);
    assert_eq!(told(&run).len(), 1, "{}", run.stdout);
    let run = verify(&project, &db, &["--only", "graph", "--output", "json"]).expect(3);
    assert_eq!(told(&run)[0].0, "row-security-off");
}

#[test]
fn a_project_without_the_parts_is_verified_without_them() {
    let project = Project::new(&[
        ("edu.toml", "name = \"plain\"\n"),
        (
            "migrations/V1__one.sql",
            "CREATE TABLE public.one (id int PRIMARY KEY);\n",
        ),
    ]);
    let db = database(Template::Empty);
    for step in ["bootstrap", "migrate"] {
        project.edu(&["db", step, "--url", &db.url()]).expect(0);
    }
    let run = verify(&project, &db, &[]).expect(0);
    assert!(
        run.says("not in this project: graph, vectors, isolation"),
        "{}",
        run.stdout
    );
    db.run("ALTER TABLE public.one ADD COLUMN two int");
    let run = verify(&project, &db, &[]).expect(3);
    assert!(run.says("column public.one.two"), "{}", run.stdout);
}

#[test]
fn how_vectors_are_searched_is_wanted_of_the_database() {
    let project = snapshotted();
    let db = database(Template::Migrated);
    db.run(&format!(
        "ALTER DATABASE {} SET hnsw.iterative_scan = 'relaxed_order'",
        db.name
    ));
    let run = verify(&project, &db, &["--only", "catalog"]).expect(3);
    assert!(
        run.says("expected strict_order, found relaxed_order"),
        "{}",
        run.stdout
    );
    // What vectors.toml declares counts, whatever the migrations set.
    let path = "spec/vectors.toml";
    let text = fs::read_to_string(project.path().join(path)).unwrap();
    project.write(path, &text.replace("\"strict_order\"", "\"relaxed_order\""));
    verify(&project, &db, &["--only", "catalog"]).expect(0);
    let major = major().to_string();
    let run = project
        .edu(&["db", "verify", "--project-only", "--major", &major])
        .expect(3);
    assert!(run.says("hnsw.iterative_scan"), "{}", run.stdout);
}

#[test]
fn what_is_too_much_is_removed_by_hand_and_a_moved_enum_value_by_a_migration() {
    let project = snapshotted();
    let db = database(Template::Migrated);
    db.run(
        "CREATE TABLE public.stray (a int); REVOKE ALL ON public.stray FROM PUBLIC;
         ALTER TYPE public.user_role ADD VALUE 'stray' BEFORE 'org_admin'",
    );
    let run = verify(&project, &db, &["--only", "catalog"]).expect(3);
    assert!(run.says("| -- DATA LOSS: its rows\n"), "{}", run.stdout);
    assert!(run.says("| DROP TABLE public.stray;"), "{}", run.stdout);
    assert!(run.says("cannot be repaired in place"), "{}", run.stdout);
}
