//! `edu db rollback`: the way back.

use crate::support::{Database, Project, Run, Template, database};

const A: (&str, &str) = ("migrations/V1__a.sql", "CREATE TABLE a (x int);");
const A_DOWN: (&str, &str) = ("migrations/V1__a.down.sql", "DROP TABLE a;");
const B: (&str, &str) = (
    "migrations/V2__b.sql",
    "-- edu: no-transaction\nCREATE INDEX CONCURRENTLY a_x ON public.a (x);",
);
const B_DOWN: (&str, &str) = (
    "migrations/V2__b.down.sql",
    "-- edu: no-transaction\nDROP INDEX CONCURRENTLY public.a_x;\nSELECT 1;",
);

fn run(project: &Project, db: &Database, args: &[&str]) -> Run {
    project.edu(&[args, &["--url", &db.url()]].concat())
}

fn migrated(files: &[(&str, &str)]) -> (Database, Project) {
    let db = database(Template::Empty);
    let project = Project::new(files);
    run(&project, &db, &["db", "migrate"]).expect(0);
    (db, project)
}

fn versions(db: &Database) -> String {
    db.one("SELECT coalesce(string_agg(version::text, ' ' ORDER BY version), '') FROM refinery_schema_history")
}

#[test]
fn the_newest_migration_is_undone_and_can_be_applied_again() {
    let (db, project) = migrated(&[A, A_DOWN, B, B_DOWN]);
    let told = run(&project, &db, &["db", "rollback", "--dry-run"]).expect(0);
    assert_eq!(told.stdout, "would run migrations/V2__b.down.sql\n");
    assert_eq!(versions(&db), "1 2");
    let told = run(&project, &db, &["db", "rollback"]).expect(0);
    assert!(
        told.says("rolled back migrations/V2__b.down.sql"),
        "{}",
        told.stdout
    );
    assert_eq!(versions(&db), "1");
    assert_eq!(db.one("SELECT to_regclass('a_x') IS NULL"), "t");
    assert_eq!(db.one("SELECT count(*) FROM edu.migration"), "1");
    run(&project, &db, &["db", "rollback", "--to", "0"]).expect(0);
    assert_eq!(versions(&db), "");
    assert_eq!(
        run(&project, &db, &["db", "rollback"]).expect(0).stdout,
        "nothing to do\n"
    );
    run(&project, &db, &["db", "migrate"]).expect(0);
    assert_eq!(versions(&db), "1 2");
}

#[test]
fn rows_are_only_lost_when_somebody_says_yes() {
    let (db, project) = migrated(&[A, A_DOWN]);
    db.run("INSERT INTO a SELECT generate_series(1, 42)");
    let told = run(&project, &db, &["db", "rollback", "--dry-run"]).expect(0);
    assert!(told.says("42 rows now"), "{}", told.stdout);
    let refused = run(&project, &db, &["db", "rollback"]).expect(8);
    assert!(
        refused.says(".down.sql:1: data-loss") && refused.says("42 rows now"),
        "{}",
        refused.stderr
    );
    assert!(refused.says("--yes"), "{}", refused.stderr);
    assert_eq!(db.one("SELECT count(*) FROM a"), "42");
    run(&project, &db, &["db", "rollback", "--yes"]).expect(0);
    assert_eq!(db.one("SELECT to_regclass('a') IS NULL"), "t");
}

#[test]
fn a_migration_without_a_way_back_is_refused_before_anything_is_undone() {
    let (db, project) = migrated(&[A, B, B_DOWN]);
    let refused = run(&project, &db, &["db", "rollback", "--to", "0"]).expect(8);
    assert!(
        refused.says("V1__a.sql") && refused.says("no down file"),
        "{}",
        refused.stderr
    );
    assert_eq!(versions(&db), "1 2");
    let (db, project) = migrated(&[(
        "migrations/V1__a.sql",
        "-- edu: irreversible\nCREATE TABLE a (x int);",
    )]);
    let refused = run(&project, &db, &["db", "rollback"]).expect(8);
    assert!(refused.says("edu: irreversible"), "{}", refused.stderr);
}

#[test]
fn a_down_file_that_fails_leaves_its_migration_applied() {
    let (db, project) = migrated(&[
        A,
        (
            "migrations/V1__a.down.sql",
            "DROP TABLE a;\nDROP TABLE nosuch;",
        ),
    ]);
    let failed = run(&project, &db, &["db", "rollback"]).expect(5);
    assert!(
        failed.says("V1 is applied as before") && failed.says("V1__a.down.sql:2:1"),
        "{}",
        failed.stderr
    );
    assert_eq!(db.one("SELECT to_regclass('a') IS NOT NULL"), "t");
    assert_eq!(versions(&db), "1");
}

#[test]
fn a_rollback_that_stopped_half_way_goes_on_where_it_was() {
    let broken = "-- edu: no-transaction\nDROP INDEX CONCURRENTLY public.a_x;\nSELECT 1/0;";
    let (db, project) = migrated(&[A, A_DOWN, B, ("migrations/V2__b.down.sql", broken)]);
    let failed = run(&project, &db, &["db", "rollback"]).expect(9);
    assert!(
        failed.says("V2 still counts as applied"),
        "{}",
        failed.stderr
    );
    project.write(B_DOWN.0, B_DOWN.1);
    run(&project, &db, &["db", "rollback"]).expect(0);
    assert_eq!(versions(&db), "1");
}

#[test]
fn a_version_that_is_not_applied_cannot_be_gone_back_to() {
    let (db, project) = migrated(&[A, A_DOWN]);
    let refused = run(&project, &db, &["db", "rollback", "--to", "7"]).expect(2);
    assert!(refused.says("V7 is not applied"), "{}", refused.stderr);
}

#[test]
fn the_bootstrap_is_never_rolled_back() {
    let db = database(Template::Bootstrapped);
    let refused = db.edu(&["db", "rollback"]).expect(8);
    assert!(refused.says("bootstrap migration"), "{}", refused.stderr);
    assert_eq!(
        db.edu(&["db", "rollback", "--to", "0"]).expect(0).stdout,
        "nothing to do\n"
    );
}

/// The catalog of a database, edu's own tables left out.
fn catalog(db: &Database) -> edu::catalog::Catalog {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let server = edu::pg::Server::from_url(&db.url(), "the test").unwrap();
        let (mut connection, _) = edu::pg::session::open(&server, "test").await.unwrap();
        edu::pg::inspect::inspect(&mut connection, &[])
            .await
            .unwrap()
    })
}

/// What differs between two catalogs, one line each. What readers of a graph are granted on AGE comes with the
/// graph's labels and not with a migration.
fn differences(expected: &edu::catalog::Catalog, found: &edu::catalog::Catalog) -> Vec<String> {
    edu::diff::compare(expected, found)
        .iter()
        .filter(|one| one.id.kind != edu::catalog::Kind::ExtensionPrivileges)
        .map(|one| format!("{}: {}", one.id, one.words()))
        .collect()
}

/// This repository's project, and every one under `examples/`.
fn projects() -> Vec<std::path::PathBuf> {
    let root = Project::root();
    let mut all = vec![root.clone()];
    if let Ok(examples) = std::fs::read_dir(root.join("examples")) {
        let folders = examples.map(|entry| entry.unwrap().path());
        all.extend(folders.filter(|folder| folder.join("edu.toml").is_file()));
    }
    all
}

#[test]
fn every_project_goes_up_down_and_up_again_to_the_same_structure() {
    for project in projects() {
        let db = database(Template::Empty);
        let run = |args: &[&str]| {
            crate::support::edu(&project, &[args, &["--url", &db.url()]].concat()).expect(0)
        };
        run(&["db", "bootstrap"]);
        let bottom = catalog(&db);
        run(&["db", "migrate"]);
        let top = catalog(&db);
        assert!(
            top.objects.len() > bottom.objects.len() + 10,
            "{}",
            project.display()
        );
        run(&["db", "rollback", "--to", "0", "--yes"]);
        let found = differences(&bottom, &catalog(&db));
        assert!(found.is_empty(), "{}: {found:#?}", project.display());
        run(&["db", "migrate"]);
        let found = differences(&top, &catalog(&db));
        assert!(found.is_empty(), "{}: {found:#?}", project.display());
    }
}

#[test]
fn a_down_files_header_holds_for_it() {
    let down = "-- edu: role limited\n-- edu: lock-timeout 123ms\n-- edu: statement-timeout 7s\n\
                INSERT INTO seen SELECT current_user, current_setting('lock_timeout'), current_setting('statement_timeout');";
    let (db, project) = migrated(&[A, ("migrations/V1__a.down.sql", down)]);
    let role = format!("limited_{}", db.name);
    db.run(&format!("CREATE ROLE {role}; CREATE TABLE seen (who text, lock text, statement text); GRANT INSERT ON seen TO {role}"));
    project.write(
        "migrations/V1__a.down.sql",
        &down.replace("role limited", &format!("role {role}")),
    );
    run(&project, &db, &["db", "rollback"]).expect(0);
    let seen = db.one("SELECT (who LIKE 'limited%') || ' ' || lock || ' ' || statement FROM seen");
    db.run(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
    assert_eq!(seen, "true 123ms 7s");
}
