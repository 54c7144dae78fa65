//! Migrations without a transaction: what a broken-off run leaves, and how the next one goes on.

use crate::support::{Database, Project, Run, Template, database, migrations, start, until};

fn migrate(project: &Project, db: &Database, more: &[&str]) -> Run {
    project.edu(&[&["db", "migrate", "--url", &db.url()], more].concat())
}

fn empty() -> Database {
    database(Template::Empty)
}

/// Kills edu once a query counts one of what the statement leaves, and waits until the server has
/// noticed: what was sent but has done nothing yet would be killed too early.
fn kill_once(project: &Project, db: &Database, query: &str) {
    let url = db.url();
    let running = start(project.path(), &["db", "migrate", "--url", &url], &[]);
    until(query, || db.one(query) == "1");
    running.signal("KILL");
    running.wait();
    until("the server has noticed", || {
        db.one("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'edu%' AND datname = current_database()") == "0"
    });
}

#[test]
fn an_index_build_that_was_killed_is_cleaned_up_and_done_again() {
    let db = empty();
    let project = migrations(&[
        "CREATE TABLE a (i int);\nCREATE TABLE log (step text);",
        "-- edu: no-transaction\nINSERT INTO log VALUES ('before');\nCREATE INDEX CONCURRENTLY a_i ON a (i);\nINSERT INTO log VALUES ('after');",
    ]);
    migrate(&project, &db, &["--to", "1"]).expect(0);
    let mut holder = db.session("postgres");
    holder.run("BEGIN; INSERT INTO a VALUES (1)");
    kill_once(
        &project,
        &db,
        "SELECT count(*) FROM pg_class WHERE relname = 'a_i'",
    );
    holder.run("ROLLBACK");
    assert_eq!(
        db.one("SELECT indisvalid FROM pg_index WHERE indexrelid = 'a_i'::regclass"),
        "f"
    );
    assert_eq!(
        db.one(
            "SELECT string_agg(k || ' ' || (done_at IS NOT NULL), ', ' ORDER BY k) FROM edu.journal"
        ),
        "1 true, 2 false"
    );
    let status = project.edu(&["db", "status", "--url", &db.url()]).expect(0);
    assert!(status.says("V2 statement 2 of 3"), "{}", status.stdout);
    project.edu(&["db", "repair", "--url", &db.url()]).expect(9);
    let run = migrate(&project, &db, &[]).expect(0);
    assert!(run.says("was broken off before"), "{}", run.stderr);
    assert_eq!(
        db.one("SELECT indisvalid FROM pg_index WHERE indexrelid = 'a_i'::regclass"),
        "t"
    );
    assert_eq!(
        db.one("SELECT string_agg(step, ' ') FROM log"),
        "before after"
    );
    assert_eq!(db.one("SELECT count(*) FROM edu.journal"), "0");
}

#[test]
fn a_procedure_that_was_killed_stops_the_next_run_until_somebody_says_what_is() {
    let db = empty();
    let project = migrations(&[
        "CREATE TABLE log (step text);\nCREATE PROCEDURE fill() LANGUAGE plpgsql AS $$ BEGIN
         INSERT INTO log VALUES ('half'); COMMIT; PERFORM pg_sleep(CASE (SELECT count(*) FROM log) WHEN 1 THEN 60 ELSE 0 END); END $$;",
        "-- edu: no-transaction\nCALL fill();\nINSERT INTO log VALUES ('after');",
    ]);
    migrate(&project, &db, &["--to", "1"]).expect(0);
    kill_once(&project, &db, "SELECT count(*) FROM log");
    let run = migrate(&project, &db, &[]).expect(9);
    assert!(run.says("edu db repair --mark-done 2:1"), "{}", run.stderr);
    assert_eq!(db.one("SELECT string_agg(step, ' ') FROM log"), "half");
    let url = db.url();
    let repair =
        |flag: &str, place: &str| project.edu(&["db", "repair", flag, place, "--url", &url]);
    repair("--retry", "2:2").expect(2);
    repair("--retry", "2:1").expect(0);
    migrate(&project, &db, &[]).expect(0);
    assert_eq!(
        db.one("SELECT string_agg(step, ' ') FROM log"),
        "half half after"
    );
}

#[test]
fn a_statement_marked_done_is_not_run_again() {
    let db = empty();
    let project = migrations(&[
        "CREATE TABLE log (step text);\nCREATE PROCEDURE fill() LANGUAGE plpgsql AS $$ BEGIN
         INSERT INTO log VALUES ('half'); COMMIT; RAISE 'no more'; END $$;",
        "-- edu: no-transaction\nCALL fill();\nINSERT INTO log VALUES ('after');",
    ]);
    migrate(&project, &db, &[]).expect(5);
    migrate(&project, &db, &[]).expect(9);
    project
        .edu(&["db", "repair", "--mark-done", "V2:1", "--url", &db.url()])
        .expect(0);
    migrate(&project, &db, &[]).expect(0);
    assert_eq!(
        db.one("SELECT string_agg(step, ' ') FROM log"),
        "half after"
    );
}

#[test]
fn a_failed_statement_is_mended_in_the_file_and_what_is_done_is_not_touched() {
    let db = empty();
    let text = "-- edu: no-transaction\nCREATE TABLE log (step text);\nVACUUM (NONSENSE) log;\nINSERT INTO log VALUES ('x');";
    let project = migrations(&[text]);
    let run = migrate(&project, &db, &[]).expect(9);
    assert!(
        run.says("Statements 1 to 1 of 3 of V1 are done"),
        "{}",
        run.stderr
    );
    project.write(
        "migrations/V0001__step.sql",
        &text.replace("log (step text)", "log (step varchar)"),
    );
    let run = migrate(&project, &db, &[]).expect(9);
    assert!(
        run.says("was changed in a part that is done"),
        "{}",
        run.stderr
    );
    project.write(
        "migrations/V0001__step.sql",
        &text.replace("(NONSENSE) ", ""),
    );
    migrate(&project, &db, &[]).expect(0);
    assert_eq!(db.one("SELECT count(*) FROM log"), "1");
}

#[test]
fn a_detachment_that_was_killed_is_finished() {
    let db = empty();
    let project = migrations(&[
        "CREATE TABLE p (i int) PARTITION BY LIST (i);\nCREATE TABLE c PARTITION OF p FOR VALUES IN (1);",
        "-- edu: no-transaction\nALTER TABLE p DETACH PARTITION c CONCURRENTLY;",
    ]);
    migrate(&project, &db, &["--to", "1"]).expect(0);
    let mut holder = db.session("postgres");
    holder.run("BEGIN; SELECT * FROM p");
    kill_once(
        &project,
        &db,
        "SELECT count(*) FROM pg_inherits WHERE inhdetachpending",
    );
    holder.run("ROLLBACK");
    assert_eq!(db.one("SELECT inhdetachpending FROM pg_inherits"), "t");
    migrate(&project, &db, &[]).expect(0);
    assert_eq!(db.one("SELECT count(*) FROM pg_inherits"), "0");
}

#[test]
fn an_index_build_that_waits_in_vain_is_retried_and_its_rest_is_no_index_to_anybody() {
    let db = empty();
    let project = migrations(&[
        "CREATE TABLE a (i int);",
        "-- edu: no-transaction\n-- edu: lock-timeout 300ms\nCREATE INDEX CONCURRENTLY a_i ON a (i);",
    ]);
    migrate(&project, &db, &["--to", "1"]).expect(0);
    let mut holder = db.session("postgres");
    holder.run("BEGIN; INSERT INTO a VALUES (1)");
    let run = migrate(&project, &db, &["--ddl-budget", "2s"]).expect(6);
    assert!(run.says("it is tried again"), "{}", run.stderr);
    assert!(
        run.says("The invalid rest of index public.a_i"),
        "{}",
        run.stderr
    );
    holder.run("COMMIT");
    migrate(&project, &db, &[]).expect(0);
    assert_eq!(
        db.one("SELECT indisvalid FROM pg_index WHERE indexrelid = 'a_i'::regclass"),
        "t"
    );
}
