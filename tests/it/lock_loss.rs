//! The connection that holds the lock dies while a run goes on: what edu says is true, its exit code is always
//! the same, the working session is ended, and the audit trail has it.

use crate::support::{
    Cut, Project, Proxy, Session, Template, database, migrations, runtime, start, tcp_server, until,
};

/// Ends the session that holds the lock of the current database.
const END_LOCK: &str =
    "SELECT pg_terminate_backend(l.pid, 5000) FROM pg_locks l WHERE l.locktype = 'advisory'
    AND l.classid = 1701082368 AND l.objid = 1
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())";

/// Whether a statement sleeps as long as `flag` is empty, in the current database.
const SLEEPS: &str = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";

/// Sleeps, until somebody writes into `flag`.
const SLEEP: &str = "SELECT pg_sleep(60) WHERE NOT EXISTS (SELECT FROM flag);";

fn trail(db: &mut Session) -> String {
    db.one(
        "SELECT string_agg(concat_ws(' ', s.version, s.outcome, r.outcome), ', ' ORDER BY s.id)
         FROM edu.run_step s JOIN edu.run r ON r.id = s.run",
    )
}

fn project() -> Project {
    migrations(&[
        "CREATE TABLE a (i int);\nCREATE TABLE flag (i int);",
        &format!("CREATE TABLE b (i int);\n{SLEEP}"),
        "CREATE TABLE c (i int);",
    ])
}

/// Runs until the statement sleeps, does something, and gives how the run ended.
fn disturbed(
    project: &Project,
    db: &mut Session,
    words: &[&str],
    disturb: impl FnOnce(&mut Session),
) -> crate::support::Run {
    let running = start(project.path(), words, &[]);
    until("the statement sleeps", || db.one(SLEEPS) == "1");
    disturb(db);
    let run = running.wait();
    assert_eq!(db.one(SLEEPS), "0", "its work goes on: {}", run.stderr);
    run
}

#[test]
fn a_lock_whose_session_was_ended_leads_to_exit_6_and_stands_in_the_audit_trail() {
    let (db, project) = (database(Template::Empty), project());
    let url = db.url();
    let words = ["db", "migrate", "--url", &url];
    let mut session = db.session("postgres");
    for _ in 0..3 {
        let run = disturbed(&project, &mut session, &words, |db| {
            assert_eq!(db.one(END_LOCK), "t");
        });
        assert_eq!(run.code, 6, "{}", run.stderr);
        for words in [
            "the lock was lost",
            "V2 was rolled back",
            "Run: edu db migrate",
        ] {
            assert!(run.says(words), "{words}: {}", run.stderr);
        }
    }
    assert_eq!(
        trail(&mut session),
        "1 applied lost, 2 lost lost, 2 lost lost, 2 lost lost"
    );
    session.run("INSERT INTO flag VALUES (1)");
    project.edu(&words).expect(0);
    assert_eq!(
        trail(&mut session),
        "1 applied lost, 2 lost lost, 2 lost lost, 2 lost lost, 2 applied done, 3 applied done"
    );
}

#[test]
fn a_lock_whose_connection_was_cut_leads_to_exit_6_while_the_other_one_lives() {
    let project = project();
    let mut admin = Session::at(&tcp_server().url("postgres", "postgres"));
    admin.run("DROP DATABASE IF EXISTS one_cut WITH (FORCE)");
    admin.run("CREATE DATABASE one_cut TEMPLATE template0");
    let proxy = Proxy::start(tcp_server().port, Cut::Never, 0);
    let url = crate::kill::through(&proxy, "one_cut");
    let mut session = Session::at(&tcp_server().url("one_cut", "postgres"));
    let words = ["db", "migrate", "--url", &url];
    let run = disturbed(&project, &mut session, &words, |_| proxy.reset_locks());
    assert_eq!(run.code, 6, "{}", run.stderr);
    assert!(run.says("V2 was rolled back"), "{}", run.stderr);
    assert!(run.says("V1 was applied before it"), "{}", run.stderr);
    assert_eq!(trail(&mut session), "1 applied lost, 2 lost lost");
    drop(session);
    admin.run("DROP DATABASE one_cut WITH (FORCE)");
}

#[test]
fn a_file_without_a_transaction_whose_lock_is_lost_goes_on_where_it_stopped() {
    let db = database(Template::Empty);
    let project = migrations(&[
        "CREATE TABLE a (i int);\nCREATE TABLE flag (i int);",
        &format!("-- edu: no-transaction\nINSERT INTO a VALUES (1);\nVACUUM a;\n{SLEEP}"),
    ]);
    let url = db.url();
    let words = ["db", "migrate", "--url", &url];
    let mut session = db.session("postgres");
    let run = disturbed(&project, &mut session, &words, |db| {
        db.one(END_LOCK);
    });
    assert_eq!(run.code, 9, "{}", run.stderr);
    for words in ["the lock was lost", "Statements 1 to 2 of 3"] {
        assert!(run.says(words), "{words}: {}", run.stderr);
    }
    assert_eq!(trail(&mut session), "1 applied partial, 2 partial partial");
    session.run("INSERT INTO flag VALUES (1)");
    project.edu(&words).expect(0);
    assert_eq!(session.one("SELECT count(*) FROM a"), "1");
}

#[test]
fn a_rollback_whose_lock_session_was_ended_says_what_is_applied() {
    let (db, project) = (database(Template::Empty), project());
    let url = db.url();
    project.write("migrations/V0002__step.sql", "CREATE TABLE b (i int);");
    project.write(
        "migrations/V0003__step.down.sql",
        &format!("DROP TABLE c;\n{SLEEP}"),
    );
    project.edu(&["db", "migrate", "--url", &url]).expect(0);
    let mut session = db.session("postgres");
    let words = ["db", "rollback", "--yes", "--url", &url];
    let run = disturbed(&project, &mut session, &words, |db| {
        db.one(END_LOCK);
    });
    assert_eq!(run.code, 6, "{}", run.stderr);
    for words in ["V3 is applied as before", "Run: edu db rollback"] {
        assert!(run.says(words), "{words}: {}", run.stderr);
    }
    assert!(trail(&mut session).ends_with("3 lost lost"));
}

#[test]
fn a_run_that_was_killed_is_closed_by_the_next_one_that_has_nothing_to_do() {
    let (db, project) = (database(Template::Empty), project());
    let url = db.url();
    let mut session = db.session("postgres");
    let running = start(project.path(), &["db", "migrate", "--url", &url], &[]);
    until("the statement sleeps", || session.one(SLEEPS) == "1");
    running.signal("KILL");
    running.wait();
    until("the server has noticed", || {
        session.one("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'edu%' AND datname = current_database()") == "0"
    });
    let open = "SELECT string_agg(COALESCE(outcome, 'open'), ' ') FROM edu.run";
    assert_eq!(session.one(open), "open");
    for _ in 0..2 {
        project
            .edu(&["db", "migrate", "--to", "1", "--url", &url])
            .expect(0);
        assert_eq!(session.one(open), "abandoned");
    }
}

#[test]
fn a_server_that_crashes_with_the_lock_leads_to_exit_7_and_the_next_run_closes_the_run() {
    let options = edu::server::ephemeral::Options {
        settings: vec![
            ("restart_after_crash".to_owned(), "on".to_owned()),
            ("synchronous_commit".to_owned(), "on".to_owned()),
        ],
        ..Default::default()
    };
    let edu = std::path::Path::new(env!("CARGO_BIN_EXE_edu"));
    let own = edu::server::Ephemeral::start(runtime(), edu, &options).unwrap();
    let url = own.url("postgres", "postgres");
    let project = project();
    let running = start(project.path(), &["db", "migrate", "--url", &url], &[]);
    let mut session = Session::at(&url);
    until("the statement sleeps", || session.one(SLEEPS) == "1");
    let pid = session.one(&END_LOCK.replace("pg_terminate_backend(l.pid, 5000)", "l.pid"));
    let backend = rustix::process::Pid::from_raw(pid.parse().unwrap()).unwrap();
    rustix::process::kill_process(backend, rustix::process::Signal::KILL).unwrap();
    let run = running.wait();
    assert_eq!(run.code, 7, "{}", run.stderr);
    assert!(run.says("V1 was applied before it"), "{}", run.stderr);
    until("the server is back", || {
        let ask = runtime()
            .command("psql")
            .args(["-qXAt", "-d", &url, "-c", "SELECT 1"])
            .output();
        ask.is_ok_and(|output| output.status.success())
    });
    let mut session = Session::at(&url);
    session.run("INSERT INTO flag VALUES (1)");
    project.edu(&["db", "migrate", "--url", &url]).expect(0);
    assert_eq!(
        session.one("SELECT count(*) FROM edu.run WHERE ended_at IS NULL OR outcome = 'done'"),
        "1"
    );
    assert_eq!(
        session.one("SELECT count(*) FROM refinery_schema_history"),
        "3"
    );
}
