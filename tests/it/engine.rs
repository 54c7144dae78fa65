//! What the migration engine promises: lock, transaction, journal, session, audit trail.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::support::{Database, Project, Run, Template, database, migrations, start, until};

fn migrate(project: &Project, db: &Database, more: &[&str]) -> Run {
    project.edu(&[&["db", "migrate", "--url", &db.url()], more].concat())
}

#[test]
fn a_failed_migration_leaves_nothing_but_its_row_in_the_audit_trail() {
    let db = database(Template::Empty);
    let project = migrations(&[
        "CREATE TABLE a (i int);",
        "CREATE TABLE b (i int);\nINSERT INTO a VALUES (1);\nSELECT 1 / 0;",
    ]);
    let run = migrate(&project, &db, &[]).expect(5);
    assert!(run.says("V2 was rolled back"), "{}", run.stderr);
    assert!(run.says("V1 was applied before it"), "{}", run.stderr);
    assert_eq!(db.one("SELECT count(*) FROM a"), "0");
    assert_eq!(db.one("SELECT to_regclass('b')"), "NULL");
    let steps = db.rows("SELECT version, outcome, sqlstate FROM edu.run_step ORDER BY id");
    assert_eq!(steps[0][..2], ["1", "applied"]);
    assert_eq!(steps[1], ["2", "failed", "22012"]);
    assert_eq!(
        db.one("SELECT outcome FROM edu.run WHERE ended_at IS NOT NULL"),
        "failed"
    );
}

#[test]
fn the_audit_trail_takes_no_change() {
    let db = database(Template::Empty);
    migrate(&migrations(&["CREATE TABLE a (i int);"]), &db, &[]).expect(0);
    let mut session = db.session("postgres");
    for sql in [
        "UPDATE edu.run_step SET version = 9",
        "DELETE FROM edu.run_step",
        "TRUNCATE edu.run_step",
        "UPDATE edu.run SET who = 'x'",
        "UPDATE edu.run SET ended_at = NULL",
        "DELETE FROM edu.run",
    ] {
        let refused = session.attempt(sql).unwrap_err();
        assert!(refused.contains("append-only"), "{sql}: {refused}");
    }
}

#[test]
fn a_schema_of_an_earlier_layout_is_brought_up_to_date_by_the_next_run_and_keeps_its_trail() {
    let db = database(Template::Empty);
    migrate(&migrations(&["CREATE TABLE a (i int);"]), &db, &[]).expect(0);
    db.run(
        "UPDATE edu.meta SET layout = 2;
         DROP TRIGGER append_only ON edu.run_step;
         CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON edu.run_step
             FOR EACH ROW EXECUTE FUNCTION edu.refuse_change();
         CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON edu.run_step
             FOR EACH STATEMENT EXECUTE FUNCTION edu.refuse_change()",
    );
    let project = migrations(&["CREATE TABLE a (i int);", "CREATE TABLE b (i int);"]);
    migrate(&project, &db, &[]).expect(0);
    assert_eq!(db.one("SELECT layout FROM edu.meta"), "3");
    assert_eq!(db.one("SELECT count(*) FROM edu.run_step"), "2");
    for sql in ["DELETE FROM edu.run_step", "TRUNCATE edu.run_step"] {
        let refused = db.session("postgres").attempt(sql).unwrap_err();
        assert!(refused.contains("append-only"), "{sql}: {refused}");
    }
}

#[test]
fn nobody_but_the_owner_has_rights_on_edus_schema_whatever_the_default_privileges() {
    let db = database(Template::Bootstrapped);
    db.run(
        "ALTER DEFAULT PRIVILEGES FOR ROLE edusphere_owner GRANT ALL ON TABLES TO edusphere_app;
         ALTER DEFAULT PRIVILEGES FOR ROLE edusphere_owner GRANT ALL ON SCHEMAS TO PUBLIC;
         ALTER DEFAULT PRIVILEGES FOR ROLE edusphere_owner GRANT ALL ON SEQUENCES TO PUBLIC;
         ALTER DEFAULT PRIVILEGES FOR ROLE edusphere_owner GRANT ALL ON FUNCTIONS TO PUBLIC",
    );
    db.edu(&["db", "migrate", "--to", "1"]).expect(0);
    let others = db.rows(
        "SELECT a.grantee::regrole::text FROM (
             SELECT nspacl AS acl, nspowner AS owner FROM pg_namespace WHERE nspname = 'edu'
             UNION ALL SELECT relacl, relowner FROM pg_class WHERE relnamespace = 'edu'::regnamespace
             UNION ALL SELECT COALESCE(proacl, acldefault('f', proowner)), proowner FROM pg_proc
                 WHERE pronamespace = 'edu'::regnamespace) AS x, aclexplode(acl) a
         WHERE a.grantee <> x.owner",
    );
    assert!(others.is_empty(), "{others:?}");
}

#[test]
fn a_commit_in_a_block_cannot_split_a_migration() {
    let db = database(Template::Empty);
    let project = migrations(&["CREATE TABLE a (i int);\nDO $$ BEGIN COMMIT; END $$;"]);
    let run = migrate(&project, &db, &[]).expect(5);
    assert!(run.says("2D000"), "{}", run.stderr);
    assert_eq!(db.one("SELECT to_regclass('a')"), "NULL");
}

#[test]
fn a_commit_that_no_reader_of_the_file_sees_is_found_out() {
    let db = database(Template::Empty);
    let project = migrations(&[
        "-- edu: no-transaction\nSET standard_conforming_strings = off;\nSELECT 'x\\', '; COMMIT; SELECT 1; --';\n",
    ]);
    let run = migrate(&project, &db, &[]).expect(9);
    assert!(
        run.says("ended the transaction that edu began"),
        "{}",
        run.stderr
    );
    assert_eq!(
        db.one("SELECT count(*) FROM pg_class WHERE relname = 'refinery_schema_history'"),
        "0"
    );
}

#[test]
fn a_file_may_choose_its_isolation_level() {
    let db = database(Template::Empty);
    let project =
        migrations(&["SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;\nCREATE TABLE a (i int);"]);
    migrate(&project, &db, &[]).expect(0);
}

#[test]
fn what_a_file_leaves_in_its_session_is_told_and_does_not_reach_the_next() {
    let db = database(Template::Empty);
    let project = migrations(&[
        "CREATE TABLE public.a (i int);\nSET search_path = pg_temp;\nSET work_mem = '1MB';\n\
         CREATE TEMP TABLE rest (i int);\nSELECT pg_advisory_lock(7);\nSET standard_conforming_strings = off;",
        "CREATE TABLE b (i int);\nDO $$ BEGIN ASSERT current_setting('work_mem') <> '1MB'; END $$;\nSELECT 'x\\';",
    ]);
    let run = migrate(&project, &db, &["--quiet"]).expect(0);
    for word in ["search_path", "work_mem", "rest", "advisory locks", "V0001"] {
        assert!(run.stderr.contains(word), "{word}: {}", run.stderr);
    }
    assert_eq!(db.one("SELECT to_regclass('public.b')"), "b");
}

#[test]
fn what_ends_with_the_transaction_is_no_leftover() {
    let db = database(Template::Empty);
    let project = migrations(&[
        "SET LOCAL work_mem = '1MB';\nCREATE TEMP TABLE t (i int) ON COMMIT DROP;\nSELECT pg_advisory_xact_lock(1);",
    ]);
    let run = migrate(&project, &db, &["--quiet"]).expect(0);
    assert_eq!(run.stderr, "");
}

#[test]
fn a_database_of_another_project_is_refused() {
    let db = database(Template::Empty);
    migrate(&migrations(&["CREATE TABLE a (i int);"]), &db, &[]).expect(0);
    let other = Project::new(&[
        ("edu.toml", "name = \"office\"\n"),
        ("migrations/V1__step.sql", "CREATE TABLE a (i int);"),
    ]);
    let run = other.edu(&["db", "migrate", "--url", &db.url()]).expect(8);
    assert!(run.says("belongs to project \"shop\""), "{}", run.stderr);
}

#[test]
fn a_schema_edu_of_somebody_else_is_refused() {
    let db = database(Template::Empty);
    db.run("CREATE SCHEMA edu");
    let run = migrate(&migrations(&["CREATE TABLE a (i int);"]), &db, &[]).expect(8);
    assert!(run.says("that edu did not make"), "{}", run.stderr);
    assert_eq!(db.one("SELECT to_regclass('a')"), "NULL");
}

#[test]
fn the_lock_shows_its_holder_and_can_be_broken() {
    let db = database(Template::Empty);
    let project = migrations(&["SELECT pg_sleep(60);"]);
    let url = db.url();
    let running = start(project.path(), &["db", "migrate", "--url", &url], &[]);
    until("the statement runs", || {
        db.one("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND wait_event = 'PgSleep' AND pid <> pg_backend_pid() AND datname = current_database()") == "1"
    });
    let shown = project.edu(&["db", "lock", "--url", &url]).expect(0);
    assert!(
        shown.says("application \"edu lock\"") && shown.says("pg_sleep"),
        "{}",
        shown.stdout
    );
    let waited = migrate(&project, &db, &["--lock-timeout", "200ms"]).expect(6);
    assert!(waited.says("has held it since"), "{}", waited.stderr);
    project
        .edu(&["db", "lock", "--break", "--url", &url])
        .expect(8);
    project
        .edu(&["db", "lock", "--break", "--yes", "--url", &url])
        .expect(0);
    let ended = running.wait();
    assert_eq!(ended.code, 6, "{}", ended.stderr);
    until("its work is rolled back", || {
        db.one("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'edu%' AND datname = current_database()") == "0"
    });
    assert_eq!(
        db.one("SELECT to_regclass('refinery_schema_history')"),
        "NULL"
    );
}

#[test]
fn a_run_whose_lock_is_gone_records_nothing() {
    let db = database(Template::Empty);
    let project = migrations(&[
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' AND classid = 1701082368 AND database = (SELECT oid FROM pg_database WHERE datname = current_database());\nCREATE TABLE a (i int);",
    ]);
    let run = migrate(&project, &db, &[]).expect(6);
    assert!(run.says("the lock was lost"), "{}", run.stderr);
    assert_eq!(db.one("SELECT to_regclass('a')"), "NULL");
}

#[test]
fn ctrl_c_breaks_the_statement_off_and_says_what_is_applied() {
    let db = database(Template::Empty);
    let project = migrations(&[
        "CREATE TABLE a (i int);",
        "CREATE TABLE b (i int);\nSELECT pg_sleep(60);",
    ]);
    let url = db.url();
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let running = start(project.path(), &["db", "migrate", "--url", &url], &[]);
        until("the statement runs", || {
            db.one("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND wait_event = 'PgSleep' AND pid <> pg_backend_pid() AND datname = current_database()") == "1"
        });
        running.signal(signal);
        let run = running.wait();
        assert_eq!(run.code, code, "{}", run.stderr);
        assert!(run.says("V2 was rolled back"), "{}", run.stderr);
        assert_eq!(
            db.one("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND backend_type = 'client backend' AND datname = current_database() AND pid <> pg_backend_pid()"),
            "0"
        );
    }
    assert_eq!(
        db.one("SELECT string_agg(outcome, ' ' ORDER BY id) FROM edu.run_step"),
        "applied cancelled cancelled"
    );
    assert_eq!(db.one("SELECT to_regclass('b')"), "NULL");
}

#[test]
fn a_migration_gives_way_and_names_who_is_in_the_way() {
    let db = database(Template::Empty);
    let project = migrations(&["CREATE TABLE a (i int);", "ALTER TABLE a ADD COLUMN j int;"]);
    migrate(&project, &db, &["--to", "1"]).expect(0);
    let mut reader = db.session("postgres");
    reader.run("BEGIN; SELECT count(*) FROM a");
    let run = migrate(&project, &db, &["--ddl-budget", "2s"]).expect(6);
    assert!(run.says("In the way: session"), "{}", run.stderr);
    assert!(run.says("SELECT count(*) FROM a"), "{}", run.stderr);
    reader.run("ROLLBACK");
    migrate(&project, &db, &[]).expect(0);
    assert_eq!(db.one("SELECT count(j) FROM a"), "0");
}

#[test]
fn a_migration_gets_through_overlapping_readers_without_stalling_them() {
    let db = database(Template::Empty);
    let project = migrations(&["CREATE TABLE a (i int);", "ALTER TABLE a ADD COLUMN j int;"]);
    migrate(&project, &db, &["--to", "1"]).expect(0);
    let mut longest = db.session("postgres");
    longest.run("BEGIN; SELECT count(*) FROM a");
    let (stop, reads) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut session = db.session("postgres");
                while !stop.load(Ordering::Relaxed) {
                    session.run("BEGIN; SELECT count(*) FROM a; SELECT pg_sleep(0.2); COMMIT");
                    reads.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let url = db.url();
        let args = ["db", "migrate", "--url", &url, "--ddl-budget", "600s"];
        let running = start(project.path(), &args, &[]);
        let through = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            // It looks whether it would get the table, and rarely stands in the queue: what can be waited for is that
            // it is there.
            until("the migration is there", || {
                db.one("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'edu%' AND datname = current_database()") != "0"
            });
            // Whoever stood in the queue for as long as the longest reader reads would stop all others.
            let before = reads.load(Ordering::Relaxed);
            until("the others went on reading", || {
                reads.load(Ordering::Relaxed) >= before + 80
            });
            longest.run("ROLLBACK");
            running.wait().expect(0);
        }));
        stop.store(true, Ordering::Relaxed);
        through.unwrap();
    });
    assert_eq!(db.one("SELECT count(j) FROM a"), "0");
}

#[test]
fn status_tells_who_applied_what_and_works_for_a_role_that_may_only_read() {
    let db = database(Template::Empty);
    let project = migrations(&["CREATE TABLE a (i int);", "CREATE TABLE b (i int);"]);
    let url = db.url();
    project
        .edu_with(
            &["db", "migrate", "--to", "1", "--url", &url],
            &[("USER", "ada")],
        )
        .expect(0);
    let run = project.edu(&["db", "status", "--url", &url]).expect(0);
    assert!(run.says("ada on"), "{}", run.stdout);
    db.run("DROP ROLE IF EXISTS reader_of_status; CREATE ROLE reader_of_status LOGIN; GRANT SELECT ON refinery_schema_history TO reader_of_status");
    let run = project
        .edu(&[
            "db",
            "status",
            "--output",
            "json",
            "--url",
            &db.url_as("reader_of_status"),
        ])
        .expect(0);
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(json["applied"][0]["version"], 1);
    assert_eq!(json["pending"][0]["version"], 2);
    db.run(
        "REVOKE ALL ON refinery_schema_history FROM reader_of_status; DROP ROLE reader_of_status",
    );
}

#[test]
fn row_values_stay_out_of_a_ci_log_unless_asked_for() {
    let db = database(Template::Empty);
    let project = migrations(&[
        "CREATE TABLE a (i text PRIMARY KEY);\nINSERT INTO a VALUES ('pilot'), ('pilot');",
    ]);
    let url = db.url();
    let args = ["db", "migrate", "--url", &url];
    let shown = project.edu(&args).expect(5);
    assert!(shown.stderr.contains("(i)=(pilot)"), "{}", shown.stderr);
    let hidden = project.edu_with(&args, &[("CI", "true")]).expect(5);
    assert!(!hidden.stderr.contains("(i)=(pilot)"), "{}", hidden.stderr);
    assert!(hidden.says("--show-rows"), "{}", hidden.stderr);
    let args = [&args[..], &["--show-rows"]].concat();
    let asked = project.edu_with(&args, &[("CI", "true")]).expect(5);
    assert!(asked.stderr.contains("(i)=(pilot)"), "{}", asked.stderr);
}

#[test]
fn a_read_only_database_is_refused_before_anything_is_done() {
    let db = database(Template::Empty);
    db.run(&format!(
        "ALTER DATABASE {} SET default_transaction_read_only = on",
        db.name
    ));
    let run = migrate(&migrations(&["CREATE TABLE a (i int);"]), &db, &[]).expect(8);
    assert!(run.says("is read-only"), "{}", run.stderr);
}

#[test]
fn a_place_in_a_file_is_right_whatever_stands_before_it() {
    let db = database(Template::Empty);
    for (text, line, column) in [
        ("SELECT 'שלום', '🎓';\r\nSELECT\t'é', nope;\r\n", 2, 13),
        (
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $x$ SELECT '$$ ;' IS NULL; SELECT 1 $x$;\n  SELECT nope;",
            2,
            10,
        ),
        ("SELECT 1;\n/* ; */ SELECT 1\n / 0; SELECT 2;", 2, 9),
        ("SELECT 1;\n\n  SELEC 2;", 3, 3),
    ] {
        let run = migrate(&migrations(&[text]), &db, &[]).expect(5);
        assert!(
            run.says(&format!("failed at line {line}, column {column}")),
            "{text}: {}",
            run.stderr
        );
        assert!(run.says("V1 was rolled back"), "{}", run.stderr);
    }
    let long = format!("SELECT '{}', nope;", "x".repeat(5_000_000));
    let run = migrate(&migrations(&[&long]), &db, &[]).expect(5);
    assert!(
        run.says("failed at line 1, column 5000012"),
        "{:.300}",
        run.stderr
    );
    assert!(run.stderr.len() < 2_000, "{} bytes", run.stderr.len());
}

#[test]
fn an_error_within_a_function_shows_the_inner_statement() {
    let db = database(Template::Empty);
    let text = "DO $$\nBEGIN\n  EXECUTE 'SELECT 1,\n nope';\nEND $$;";
    let run = migrate(&migrations(&[text]), &db, &[]).expect(5);
    assert!(
        run.says("In the statement of the function or block: nope"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_statement_timeout_ends_a_statement_and_a_header_wins() {
    let db = database(Template::Empty);
    let project = migrations(&[
        "-- edu: statement-timeout 20s\nSELECT pg_sleep(0.3);",
        "SELECT pg_sleep(20);",
    ]);
    let run = migrate(&project, &db, &["--statement-timeout", "100ms"]).expect(5);
    assert!(run.says("statement timeout"), "{}", run.stderr);
    assert!(run.says("V1 was applied before it"), "{}", run.stderr);
}

#[test]
fn a_second_ctrl_c_leaves_at_once_and_names_what_still_runs() {
    let db = database(Template::Empty);
    db.run("CREATE SEQUENCE cancelled");
    let project = migrations(&[
        "DO $$ BEGIN LOOP BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN PERFORM nextval('cancelled'); END; END LOOP; END $$;",
    ]);
    let url = db.url();
    let running = start(project.path(), &["db", "migrate", "--url", &url], &[]);
    let pid = "SELECT COALESCE(max(pid), 0) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND wait_event = 'PgSleep' AND pid <> pg_backend_pid() AND datname = current_database()";
    until("the statement runs", || db.one(pid) != "0");
    let session = db.one(pid);
    running.signal("INT");
    until("the cancellation has arrived", || {
        db.one("SELECT is_called FROM cancelled") == "t"
    });
    running.signal("INT");
    let run = running.wait();
    assert_eq!(run.code, 130, "{}", run.stderr);
    assert!(
        run.says("left at once") && run.says(&format!("V1 in session {session}")),
        "{}",
        run.stderr
    );
    until("the server has noticed", || db.one(pid) == "0");
}
