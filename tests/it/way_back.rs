//! A rollback gets the care that a migration gets: audit trail, budget for locks, fence, question.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use crate::support::{Database, Project, Run, Template, database};

const A: (&str, &str) = (
    "migrations/V1__a.sql",
    "CREATE TABLE a (x int);\nCREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT $1';",
);

fn run(project: &Project, db: &Database, args: &[&str]) -> Run {
    project.edu(&[args, &["--url", &db.url()]].concat())
}

/// A database with V1 applied and a row in it, and a way back.
fn migrated(down: &str) -> (Database, Project) {
    let db = database(Template::Empty);
    let project = Project::new(&[A, ("migrations/V1__a.down.sql", down)]);
    run(&project, &db, &["db", "migrate"]).expect(0);
    db.run("INSERT INTO a VALUES (1)");
    (db, project)
}

fn applied(db: &Database) -> String {
    db.one("SELECT count(*) FROM refinery_schema_history")
}

#[test]
fn a_rollback_stands_in_the_audit_trail_whether_it_went_well_or_not() {
    let (db, project) = migrated("DROP FUNCTION f(int);\nDROP TABLE nosuch;");
    run(&project, &db, &["db", "rollback", "--yes"]).expect(5);
    project.write("migrations/V1__a.down.sql", "DROP FUNCTION f(int);");
    run(&project, &db, &["db", "rollback", "--yes"]).expect(0);
    let told = db.one(
        "SELECT string_agg(concat_ws(' ', r.command, s.version, s.outcome, r.outcome), ', ' ORDER BY s.id)
         FROM edu.run_step s JOIN edu.run r ON r.id = s.run WHERE r.command = 'edu db rollback'",
    );
    assert_eq!(
        told,
        "edu db rollback 1 failed failed, edu db rollback 1 rolled back done"
    );
    assert_eq!(applied(&db), "0");
}

#[test]
fn a_rollback_gives_way_and_names_who_is_in_the_way() {
    let (db, project) = migrated("DROP TABLE a;");
    let mut reader = db.session("postgres");
    reader.run("BEGIN");
    reader.one("SELECT count(*) FROM a");
    let told = run(
        &project,
        &db,
        &["db", "rollback", "--yes", "--ddl-budget", "1s"],
    )
    .expect(6);
    assert!(
        told.says("In the way: session") && told.says("V1 is applied as before"),
        "{}",
        told.stderr
    );
    assert_eq!(applied(&db), "1");
    reader.run("COMMIT");
    run(&project, &db, &["db", "rollback", "--yes"]).expect(0);
    assert_eq!(applied(&db), "0");
}

#[test]
fn a_rollback_whose_lock_is_gone_takes_nothing_back() {
    let (db, project) = migrated(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' AND classid = 1701082368 \
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database());\nDROP TABLE a;",
    );
    let told = run(&project, &db, &["db", "rollback", "--yes"]).expect(6);
    assert!(told.says("the lock was lost"), "{}", told.stderr);
    assert_eq!(applied(&db), "1");
    assert_eq!(db.one("SELECT count(*) FROM a"), "1");
}

#[test]
fn a_way_back_that_ends_its_transaction_is_found_out() {
    let (db, project) = migrated("DO $$ BEGIN EXECUTE 'COM' || 'MIT'; END $$;\nDROP TABLE a;");
    let told = run(&project, &db, &["db", "rollback", "--yes"]);
    assert!(matches!(told.code, 5 | 9), "{}", told.stderr);
    assert_eq!(applied(&db), "1");
}

#[test]
fn the_statements_of_a_way_back_without_a_transaction_are_in_the_journal() {
    let (db, project) =
        migrated("-- edu: no-transaction\nDROP FUNCTION f(int);\nVACUUM a;\nSELECT 1 / 0;");
    run(&project, &db, &["db", "rollback", "--yes"]).expect(9);
    assert_eq!(
        db.one(
            "SELECT string_agg(k || ' ' || (done_at IS NOT NULL), ', ' ORDER BY k) FROM edu.journal"
        ),
        "1 true, 2 true"
    );
    // The first statement would fail if it were run again.
    let mended = "-- edu: no-transaction\nDROP FUNCTION f(int);\nVACUUM a;\nSELECT 1;";
    project.write("migrations/V1__a.down.sql", mended);
    run(&project, &db, &["db", "rollback", "--yes"]).expect(0);
    assert_eq!(db.one("SELECT count(*) FROM edu.journal"), "0");
    assert_eq!(applied(&db), "0");
}

#[test]
fn a_function_that_goes_is_named() {
    let (db, project) = migrated("DROP FUNCTION IF EXISTS public.f(int) CASCADE;");
    let told = run(&project, &db, &["db", "rollback", "--dry-run"]).expect(0);
    assert!(told.says("DROP FUNCTION public.f(int)"), "{}", told.stdout);
}

/// Answers the question of a rollback in a terminal. Gives what the terminal showed, and the exit code.
fn answered(project: &Project, db: &Database, answer: &str) -> (String, i32) {
    let line = format!(
        "'{}' db rollback --url '{}'",
        env!("CARGO_BIN_EXE_edu"),
        db.url()
    );
    let mut terminal = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .current_dir(project.path())
        .env_remove("CI")
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script, of bsdutils");
    let mut shown = String::new();
    let mut output = terminal.stdout.take().expect("its output");
    let mut input = terminal.stdin.take().expect("its input");
    let mut piece = [0; 1024];
    let mut asked = false;
    loop {
        let read = output.read(&mut piece).expect("the terminal's text");
        if read == 0 {
            break;
        }
        shown.push_str(&String::from_utf8_lossy(&piece[..read]));
        if !asked && shown.contains("type yes") {
            asked = true;
            input.write_all(answer.as_bytes()).expect("the answer");
        }
    }
    let code = terminal.wait().expect("its end").code().unwrap_or(-1);
    (shown, code)
}

#[test]
fn the_question_is_asked_in_a_terminal_and_only_yes_is_yes() {
    let (db, project) = migrated("DROP TABLE a;");
    let (shown, code) = answered(&project, &db, "no\n");
    assert_eq!(code, 8, "{shown}");
    assert!(shown.contains("1 rows now"), "{shown}");
    assert_eq!(applied(&db), "1");
    let (shown, code) = answered(&project, &db, "yes\n");
    assert_eq!(code, 0, "{shown}");
    assert_eq!(applied(&db), "0");
}
