//! `edu db import-history`: each tool's own table, with rows as that tool writes them.

use crate::support::{Database, Project, Run, Template, database};

const FILES: &[(&str, &str)] = &[
    (
        "migrations/V20240115120000__init.sql",
        "CREATE TABLE a (x int);",
    ),
    (
        "migrations/V20240220083000__add_users.sql",
        "CREATE TABLE users (x int);",
    ),
    (
        "migrations/V20240301000000__later.sql",
        "CREATE TABLE later (x int);",
    ),
];

const SMALL: &[(&str, &str)] = &[
    ("migrations/V1__init.sql", "CREATE TABLE a (x int);"),
    (
        "migrations/V2__add_users.sql",
        "CREATE TABLE users (x int);",
    ),
    ("migrations/V3__later.sql", "CREATE TABLE later (x int);"),
];

fn run(project: &Project, db: &Database, args: &[&str]) -> Run {
    project.edu(&[args, &["--url", &db.url()]].concat())
}

/// Imports `sql`'s history: a dry run that records nothing, then the import, then the pending rest.
/// Gives the history's first two rows: version, name, minute of application.
fn imported(files: &[(&str, &str)], tool: &str, sql: &str) -> Vec<Vec<String>> {
    let db = database(Template::Empty);
    db.run("CREATE TABLE a (x int); CREATE TABLE users (x int)");
    db.run(sql);
    let project = Project::new(files);
    let dry = run(
        &project,
        &db,
        &["db", "import-history", "--from", tool, "--dry-run"],
    )
    .expect(0);
    assert_eq!(
        dry.stdout.matches("would record").count(),
        2,
        "{}",
        dry.stdout
    );
    assert_eq!(
        db.one("SELECT to_regclass('public.refinery_schema_history') IS NULL"),
        "t"
    );
    run(&project, &db, &["db", "import-history", "--from", tool]).expect(0);
    let again = run(&project, &db, &["db", "import-history", "--from", tool]).expect(0);
    assert_eq!(again.stdout, "nothing to do\n");
    let rest = run(&project, &db, &["db", "migrate"]).expect(0);
    assert_eq!(
        rest.stdout.matches("applied migrations/").count(),
        1,
        "{}",
        rest.stdout
    );
    assert!(rest.says("later.sql"), "{}", rest.stdout);
    db.rows("SELECT version, name, substr(applied_on, 1, 16) FROM public.refinery_schema_history ORDER BY version LIMIT 2")
}

/// The expected rows of the small project, when the tool keeps the times.
fn small() -> Vec<Vec<String>> {
    vec![
        vec!["1".into(), "init".into(), "2024-01-15T12:00".into()],
        vec!["2".into(), "add_users".into(), "2024-02-20T08:30".into()],
    ]
}

fn names(rows: &[Vec<String>]) -> Vec<&str> {
    rows.iter().map(|row| row[1].as_str()).collect()
}

#[test]
fn sqlx_history_is_taken_over_with_its_times() {
    let rows = imported(SMALL, "sqlx",
        "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL,
             installed_on TIMESTAMPTZ NOT NULL DEFAULT now(), success BOOLEAN NOT NULL, checksum BYTEA NOT NULL,
             execution_time BIGINT NOT NULL);
         INSERT INTO _sqlx_migrations VALUES
             (1, 'init', '2024-01-15 12:00:00+00', true, '\\x00', 12),
             (2, 'add users', '2024-02-20 10:30:00+02', true, '\\x01', 34)");
    assert_eq!(rows, small());
}

#[test]
fn refinery_history_in_another_schema_is_taken_over() {
    let rows = imported(SMALL, "refinery",
        "CREATE SCHEMA old;
         CREATE TABLE old.refinery_schema_history (version INT4 PRIMARY KEY, name VARCHAR(255),
             applied_on VARCHAR(255), checksum VARCHAR(255));
         INSERT INTO old.refinery_schema_history VALUES
             (1, 'init', '2024-01-15T12:00:00.1234567Z', '1'), (2, 'add_users', '2024-02-20T10:30:00+02:00', '2')");
    assert_eq!(rows, small());
}

#[test]
fn flyway_history_is_taken_over_without_repeatable_and_undone_ones() {
    let rows = imported(SMALL, "flyway",
        "CREATE TABLE flyway_schema_history (installed_rank INT NOT NULL PRIMARY KEY, version VARCHAR(50),
             description VARCHAR(200) NOT NULL, type VARCHAR(20) NOT NULL, script VARCHAR(1000) NOT NULL, checksum INT,
             installed_by VARCHAR(100) NOT NULL, installed_on TIMESTAMP NOT NULL DEFAULT now(),
             execution_time INT NOT NULL, success BOOLEAN NOT NULL);
         INSERT INTO flyway_schema_history VALUES
             (0, NULL, '<< Flyway Schema Creation >>', 'SCHEMA', '\"app\"', NULL, 'me', '2024-01-01', 0, true),
             (1, '1', 'init', 'SQL', 'V1__init.sql', 1, 'me', '2024-01-15 12:00', 5, true),
             (2, '3', 'later', 'SQL', 'V3__later.sql', 1, 'me', '2024-01-15 12:00', 5, true),
             (3, '3', 'later', 'UNDO_SQL', 'U3__later.sql', 1, 'me', '2024-01-16 12:00', 5, true),
             (4, '2', 'add users', 'SQL', 'V2__add_users.sql', 2, 'me', '2024-02-20 08:30', 5, true),
             (5, NULL, 'views', 'SQL', 'R__views.sql', 3, 'me', '2024-02-20 08:30', 5, true)");
    assert_eq!(rows, small());
}

#[test]
fn dbmate_history_is_taken_over_by_its_versions() {
    let rows = imported(
        FILES,
        "dbmate",
        "CREATE TABLE schema_migrations (version varchar(128) PRIMARY KEY);
         INSERT INTO schema_migrations VALUES ('20240115120000'), ('20240220083000')",
    );
    assert_eq!(names(&rows), ["init", "add_users"]);
}

#[test]
fn drizzle_history_is_taken_over_by_text_and_by_time() {
    let rows = imported(FILES, "drizzle",
        "CREATE SCHEMA drizzle;
         CREATE TABLE drizzle.__drizzle_migrations (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint);
         INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES
             (encode(sha256('CREATE TABLE a (x int);'), 'hex'), 1700000000123),
             ('0000', 1708417800000)");
    assert_eq!(names(&rows), ["init", "add_users"]);
}

#[test]
fn prisma_history_is_taken_over_without_what_was_rolled_back() {
    let rows = imported(FILES, "prisma",
        "CREATE TABLE _prisma_migrations (id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL,
             finished_at TIMESTAMPTZ, migration_name VARCHAR(255) NOT NULL, logs TEXT, rolled_back_at TIMESTAMPTZ,
             started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0);
         INSERT INTO _prisma_migrations VALUES
             ('a', 'x', '2024-01-15 12:00+00', '20240115120000_init', NULL, NULL, '2024-01-15 11:59+00', 1),
             ('b', 'x', NULL, '20240220083000_add_users', 'boom', '2024-02-19 00:00+00', '2024-02-18 00:00+00', 0),
             ('c', 'x', '2024-02-20 08:30+00', '20240220083000_add_users', NULL, NULL, '2024-02-20 08:29+00', 1)");
    assert_eq!(names(&rows), ["init", "add_users"]);
    assert_eq!(rows[1][2], "2024-02-20T08:30");
}

#[test]
fn sqitch_history_is_taken_over_by_its_names() {
    let rows = imported(SMALL, "sqitch",
        "CREATE SCHEMA sqitch;
         CREATE TABLE sqitch.changes (change_id TEXT PRIMARY KEY, script_hash TEXT, change TEXT NOT NULL,
             project TEXT NOT NULL, note TEXT NOT NULL DEFAULT '', committed_at TIMESTAMPTZ NOT NULL DEFAULT now(),
             committer_name TEXT NOT NULL, committer_email TEXT NOT NULL, planned_at TIMESTAMPTZ NOT NULL,
             planner_name TEXT NOT NULL, planner_email TEXT NOT NULL);
         INSERT INTO sqitch.changes VALUES
             ('a', 'h', 'init', 'shop', '', '2024-01-15 12:00+00', 'me', 'm@e', now(), 'me', 'm@e'),
             ('b', 'h', 'add-users', 'shop', '', '2024-02-20 08:30+00', 'me', 'm@e', now(), 'me', 'm@e')");
    assert_eq!(rows, small());
}

#[test]
fn golang_migrate_keeps_the_last_version_which_stands_for_all_before_it() {
    let rows = imported(SMALL, "golang-migrate",
        "CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL);
         INSERT INTO schema_migrations VALUES (2, false)");
    assert_eq!(names(&rows), ["init", "add_users"]);
}

#[test]
fn a_dirty_or_strange_history_is_refused_and_nothing_is_recorded() {
    let db = database(Template::Empty);
    let project = Project::new(SMALL);
    let none = run(&project, &db, &["db", "import-history", "--from", "sqlx"]).expect(2);
    assert!(
        none.says("no table \"_sqlx_migrations\""),
        "{}",
        none.stderr
    );
    db.run("CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL);
            INSERT INTO schema_migrations VALUES (2, true)");
    let dirty = run(
        &project,
        &db,
        &["db", "import-history", "--from", "golang-migrate"],
    )
    .expect(4);
    assert!(dirty.says("did not succeed"), "{}", dirty.stderr);
    let other = run(&project, &db, &["db", "import-history", "--from", "dbmate"]).expect(2);
    assert!(other.says("--from golang-migrate"), "{}", other.stderr);
    db.run("UPDATE schema_migrations SET version = 9, dirty = false");
    let missing = run(
        &project,
        &db,
        &["db", "import-history", "--from", "golang-migrate"],
    )
    .expect(4);
    assert!(missing.says("has no file"), "{}", missing.stderr);
    assert_eq!(
        db.one("SELECT to_regclass('public.refinery_schema_history') IS NULL"),
        "t"
    );
}

#[test]
fn the_bootstrap_comes_before_an_import() {
    let db = database(Template::Empty);
    let project = Project::new(SMALL);
    project.write(
        "migrations/V0__roles.sql",
        "-- edu: role superuser\nSELECT 1;",
    );
    db.run(
        "CREATE TABLE schema_migrations (version varchar(128) PRIMARY KEY);
            INSERT INTO schema_migrations VALUES ('1')",
    );
    let refused = run(&project, &db, &["db", "import-history", "--from", "dbmate"]).expect(8);
    assert!(refused.says("edu db bootstrap"), "{}", refused.stderr);
}
