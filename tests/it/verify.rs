//! `edu db verify`, `edu db snapshot` and `edu db fingerprint`.

use std::fs;
use std::process::Stdio;

use crate::support::{Database, Project, Run, Template, database, edu, major, runtime};

/// This repository's project in a folder of its own, with a committed catalog of the major under test.
fn snapshotted() -> Project {
    let project = Project::copy_of_root();
    let major = major().to_string();
    project
        .edu(&["db", "snapshot", "--major", &major])
        .expect(0);
    project
}

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

#[test]
fn work_and_upkeep_raise_no_false_alarm() {
    let project = snapshotted();
    let db = database(Template::Seeded);
    let mut worker = db.session("postgres");
    for round in 0..20 {
        worker.run(match round % 4 {
            0 => "ANALYZE",
            1 => "REINDEX TABLE public.users",
            2 => "UPDATE public.users SET display_name = display_name || '.'",
            _ => "VACUUM public.users",
        });
        verify(&project, &db, &["--quiet"]).expect(0);
    }
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
