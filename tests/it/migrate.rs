//! `edu db migrate` and `edu db status`.

use crate::support::{Project, Template, database, start, until};

/// Runs `edu db migrate` of a small project on a database of its own.
fn told(files: &[(&str, &str)]) -> (String, String) {
    let db = database(Template::Empty);
    let project = Project::new(files);
    let run = project.edu(&["db", "migrate", "--url", &db.url()]);
    let told = run.snapshot().replace(&db.name, "[database]");
    let told = told
        .lines()
        .filter(|line| !line.starts_with("database: "))
        .collect::<Vec<_>>()
        .join("\n");
    let tables = db.one(
        "SELECT coalesce(string_agg(relname, ' ' ORDER BY relname), '') FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'refinery_schema_history'",
    );
    (told, tables)
}

#[test]
fn migrating_twice_changes_nothing_the_second_time() {
    let db = database(Template::Migrated);
    let run = db.edu(&["db", "migrate"]).expect(0);
    assert_eq!(run.stdout, "nothing to do\n");
}

#[test]
fn migrations_run_in_the_order_of_their_versions() {
    let (told, tables) = told(&[
        ("migrations/V10__c.sql", "ALTER TABLE b ADD c int;"),
        (
            "migrations/V2__b.sql",
            "CREATE TABLE b (a int REFERENCES a);",
        ),
        (
            "migrations/V1__a.sql",
            "CREATE TABLE a (a int PRIMARY KEY);",
        ),
    ]);
    assert_eq!(tables, "a b");
    insta::assert_snapshot!(told);
}

#[test]
fn a_failing_migration_is_pointed_at_and_rolled_back_whole() {
    let (told, tables) = told(&[
        ("migrations/V1__a.sql", "CREATE TABLE a (a int);"),
        (
            "migrations/V2__b.sql",
            "-- שלום\nCREATE TABLE b (a int);\n\nALTER TABLE a\n\tADD COLUMN c nosuch;\n",
        ),
    ]);
    assert_eq!(tables, "a", "V2 was to leave nothing");
    insta::assert_snapshot!(told);
}

#[test]
fn a_changed_applied_file_is_refused() {
    let db = database(Template::Empty);
    let project = Project::new(&[("migrations/V1__a.sql", "CREATE TABLE a (a int);")]);
    project
        .edu(&["db", "migrate", "--url", &db.url()])
        .expect(0);
    project.write("migrations/V1__a.sql", "CREATE TABLE a (b int);");
    let run = project
        .edu(&["db", "migrate", "--url", &db.url()])
        .expect(4);
    assert!(
        run.stderr
            .contains("applied migration V1 differs from \"migrations/V1__a.sql\""),
        "{}",
        run.stderr
    );
}

#[test]
fn a_file_older_than_the_last_applied_is_refused() {
    let db = database(Template::Empty);
    let project = Project::new(&[("migrations/V2__b.sql", "CREATE TABLE b (a int);")]);
    project
        .edu(&["db", "migrate", "--url", &db.url()])
        .expect(0);
    project.write("migrations/V1__a.sql", "CREATE TABLE a (a int);");
    let run = project
        .edu(&["db", "migrate", "--url", &db.url()])
        .expect(4);
    assert!(
        run.stderr
            .contains("older than the last applied migration V2"),
        "{}",
        run.stderr
    );
}

#[test]
fn an_applied_migration_without_a_file_is_refused() {
    let db = database(Template::Empty);
    let project = Project::new(&[("migrations/V1__a.sql", "CREATE TABLE a (a int);")]);
    project
        .edu(&["db", "migrate", "--url", &db.url()])
        .expect(0);
    let other = Project::new(&[("migrations/V2__b.sql", "CREATE TABLE b (a int);")]);
    let run = other.edu(&["db", "migrate", "--url", &db.url()]).expect(4);
    assert!(
        run.stderr.contains("applied migration V1 (a) has no file"),
        "{}",
        run.stderr
    );
}

#[test]
fn status_lists_everything_that_diverges_and_then_exits_4() {
    let db = database(Template::Empty);
    let file = |version: u32| format!("migrations/V{version}__step{version}.sql");
    let project = Project::new(&[]);
    for version in [1, 2, 4, 5] {
        project.write(
            &file(version),
            &format!("CREATE TABLE t{version} (a int);\n"),
        );
    }
    let run = |args: &[&str]| project.edu(&[args, &["--url", &db.url()]].concat());
    run(&["db", "migrate"]).expect(0);
    project.write(&file(1), "CREATE TABLE t1 (a text);\n");
    project.write(&file(2), "-- a remark\nCREATE TABLE t2 (a  int);\n");
    project.write(&file(3), "CREATE TABLE t3 (a int);\n");
    std::fs::remove_file(project.path().join(file(5))).unwrap();
    let told = run(&["db", "status"]).expect(4);
    for (version, word) in [
        ("1", "DIVERGENT"),
        ("2", "EDITED"),
        ("3", "OUT OF ORDER"),
        ("5", "NO FILE"),
    ] {
        let mut lines = told.stdout.lines();
        let line = lines.find(|line| line.trim_start().starts_with(version));
        assert!(
            line.is_some_and(|line| line.contains(word)),
            "{version} {word}\n{}",
            told.stdout
        );
    }
    assert!(told.stderr.contains("error: "), "{}", told.stderr);
    let json = run(&["db", "status", "--output", "json"]).expect(4);
    assert!(json.says("\"state\": \"divergent\""), "{}", json.stdout);
}

#[test]
fn a_file_that_is_changed_while_the_run_goes_on_is_applied_as_it_was_read() {
    let db = database(Template::Empty);
    db.run("CREATE TABLE flag (i int)");
    let project = Project::new(&[
        (
            "migrations/V1__a.sql",
            "SELECT pg_sleep(60) WHERE pg_advisory_lock(7) IS NULL;",
        ),
        ("migrations/V2__b.sql", "CREATE TABLE before (a int);"),
    ]);
    let mut holder = db.session("postgres");
    holder.run("SELECT pg_advisory_lock(7)");
    let url = db.url();
    let running = start(project.path(), &["db", "migrate", "--url", &url], &[]);
    until("the first file waits", || {
        db.one("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database =
                (SELECT oid FROM pg_database WHERE datname = current_database())") == "1"
    });
    project.write("migrations/V2__b.sql", "CREATE TABLE after (a int);");
    holder.run("SELECT pg_advisory_unlock(7)");
    let run = running.wait();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(
        db.one("SELECT to_regclass('before') IS NOT NULL AND to_regclass('after') IS NULL"),
        "t"
    );
    let again = project.edu(&["db", "migrate", "--url", &url]).expect(4);
    assert!(again.says("V2 differs"), "{}", again.stderr);
}

#[test]
fn an_unfinished_concurrent_build_is_removed_and_built_again() {
    let db = database(Template::Empty);
    let project = Project::new(&[
        (
            "migrations/V1__a.sql",
            "CREATE TABLE a (a int); INSERT INTO a VALUES (1), (1);",
        ),
        (
            "migrations/V2__i.sql",
            "-- edu: no-transaction\nCREATE UNIQUE INDEX CONCURRENTLY i ON a (a);",
        ),
    ]);
    let run = project
        .edu(&["db", "migrate", "--url", &db.url()])
        .expect(5);
    assert!(run.stderr.contains("(23505)"), "{}", run.stderr);
    assert_eq!(
        db.one("SELECT count(*) FROM pg_class WHERE relname = 'i'"),
        "0",
        "an invalid index was left"
    );
    db.run("DELETE FROM a");
    project
        .edu(&["db", "migrate", "--url", &db.url()])
        .expect(0);
    assert_eq!(
        db.one("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass"),
        "t"
    );
}

#[test]
fn a_dry_run_changes_nothing() {
    let db = database(Template::Empty);
    let project = Project::new(&[("migrations/V1__a.sql", "CREATE TABLE a (a int);")]);
    let run = project
        .edu(&["db", "migrate", "--dry-run", "--url", &db.url()])
        .expect(0);
    assert_eq!(run.stdout, "would apply migrations/V1__a.sql\n");
    assert_eq!(
        db.one("SELECT count(*) FROM pg_class WHERE relname IN ('a', 'refinery_schema_history')"),
        "0"
    );
}

#[test]
fn migrating_before_the_bootstrap_is_refused_with_the_command_to_type() {
    let db = database(Template::Empty);
    let run = db.edu(&["db", "migrate"]).expect(8);
    assert!(run.says("edu db bootstrap"), "{}", run.stderr);
}

#[test]
fn status_tells_applied_and_pending_and_can_fail_a_pipeline() {
    let db = database(Template::Bootstrapped);
    let run = db.edu(&["db", "status", "--exit-code"]).expect(3);
    assert!(
        run.stdout
            .contains("1 applied, 4 pending; next: edu db migrate"),
        "{}",
        run.stdout
    );
    let json = db
        .edu(&["db", "status", "--output", "json"])
        .expect(0)
        .stdout;
    assert!(
        json.contains("\"path\": \"migrations/V0001__initial_schema.sql\""),
        "{json}"
    );
}
