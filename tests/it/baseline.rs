//! `edu db baseline`: adopting a database that edu did not build.

use crate::support::{Database, Project, Run, Template, database, server};

const FILES: &[(&str, &str)] = &[
    (
        "migrations/V1__a.sql",
        "CREATE TABLE a (x int PRIMARY KEY, y text NOT NULL DEFAULT 'z');",
    ),
    (
        "migrations/V2__b.sql",
        "CREATE INDEX a_y ON a (y);\nCREATE VIEW v AS SELECT y FROM a;",
    ),
    (
        "migrations/V3__c.sql",
        "CREATE TABLE c (x int REFERENCES a);",
    ),
];

const BUILT: &str = "CREATE TABLE a (x int PRIMARY KEY, y text NOT NULL DEFAULT 'z');
    CREATE INDEX a_y ON a (y); CREATE VIEW v AS SELECT y FROM a; INSERT INTO a VALUES (1)";

fn run(project: &Project, db: &Database, args: &[&str]) -> Run {
    let scratch = server().url("postgres", "postgres");
    let scratch: &[&str] = match args.contains(&"baseline") && !args.contains(&"--unverified") {
        true => &["--scratch-url", &scratch],
        false => &[],
    };
    project.edu(&[args, &["--url", &db.url()], scratch].concat())
}

fn history(db: &Database) -> String {
    db.one(
        "SELECT CASE WHEN to_regclass('refinery_schema_history') IS NULL THEN 'none' ELSE
           (xpath('/table/row/v/text()', query_to_xml('SELECT string_agg(version::text, '' '' ORDER BY version) AS v
            FROM refinery_schema_history', false, false, '')))[1]::text END",
    )
}

#[test]
fn a_database_that_fits_is_adopted_and_migrated_from_there() {
    let db = database(Template::Empty);
    db.run(BUILT);
    let project = Project::new(FILES);
    let told = run(&project, &db, &["db", "baseline", "2"]).expect(0);
    assert!(
        told.says("recorded migrations/V2__b.sql as applied"),
        "{}",
        told.stdout
    );
    let told = run(&project, &db, &["db", "migrate"]).expect(0);
    assert!(
        told.says("V3__c.sql") && !told.says("V1__a.sql"),
        "{}",
        told.stdout
    );
    assert_eq!(db.one("SELECT count(*) FROM a"), "1");
    assert_eq!(db.one("SELECT count(*) FROM edu.migration"), "3");
    let again = run(&project, &db, &["db", "baseline", "2"]).expect(0);
    assert_eq!(again.stdout, "nothing to do\n");
}

#[test]
fn a_database_that_differs_is_refused_with_what_differs() {
    let db = database(Template::Empty);
    db.run(
        "CREATE TABLE a (x int PRIMARY KEY, y text DEFAULT 'z'); CREATE VIEW v AS SELECT y FROM a; CREATE TABLE more (x int)",
    );
    let project = Project::new(FILES);
    let refused = run(&project, &db, &["db", "baseline", "2"]).expect(3);
    for what in [
        "column public.a.y: not null",
        "index a_y on public.a: missing",
        "table public.more: not in the spec",
        "--unverified",
    ] {
        assert!(refused.says(what), "{what}\n{}", refused.stderr);
    }
    assert_eq!(history(&db), "none");
    let taken = run(&project, &db, &["db", "baseline", "2", "--unverified"]).expect(0);
    assert!(taken.says("warning: nobody proved"), "{}", taken.stderr);
    assert_eq!(history(&db), "1 2");
}

#[test]
fn another_tools_history_is_no_difference() {
    let db = database(Template::Empty);
    db.run(BUILT);
    db.run("CREATE TABLE schema_migrations (version varchar PRIMARY KEY)");
    run(&Project::new(FILES), &db, &["db", "baseline", "2"]).expect(0);
}

#[test]
fn this_projects_own_database_is_proved_to_fit() {
    let db = database(Template::Migrated);
    db.run("DROP TABLE refinery_schema_history; DROP SCHEMA IF EXISTS edu CASCADE");
    let scratch = server().url("postgres", "postgres");
    db.edu(&["db", "baseline", "4", "--scratch-url", &scratch])
        .expect(0);
    assert_eq!(history(&db), "0 1 2 3 4");
    assert_eq!(
        db.edu(&["db", "migrate"]).expect(0).stdout,
        "nothing to do\n"
    );
}

#[test]
fn a_version_without_a_file_is_refused() {
    let db = database(Template::Empty);
    let refused = run(
        &Project::new(FILES),
        &db,
        &["db", "baseline", "9", "--unverified"],
    )
    .expect(2);
    assert!(
        refused.says("no migration has version 9"),
        "{}",
        refused.stderr
    );
}
