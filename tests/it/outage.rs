//! The server is stopped at once, as by a power cut, while a migration runs.

use crate::support::{Plain, migrations, runtime, start, until};

/// Runs a text on the server. Nothing when it cannot be reached or fails.
fn ask(url: &str, text: &str) -> Option<String> {
    let output = runtime()
        .command("psql")
        .args(["-qXAt", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", text])
        .output()
        .expect("psql");
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[test]
fn a_server_that_was_stopped_at_once_is_migrated_by_the_next_run() {
    let bin = runtime().bin.to_str().expect("a path");
    let server = Plain::installed(bin).expect("the programs under test");
    let url = server.url("postgres");
    ask(
        &url,
        "CREATE TABLE flag (i int); CREATE TABLE log (step text)",
    )
    .unwrap();
    let project = migrations(&[
        "CREATE TABLE a (i int);",
        "CREATE TABLE b (i int);\nSELECT pg_sleep(60) WHERE (SELECT count(*) FROM flag) < 1;",
        "-- edu: no-transaction\nINSERT INTO log VALUES ('3a');\nVACUUM a;\n\
         SELECT pg_sleep(60) WHERE (SELECT count(*) FROM flag) < 2;\nINSERT INTO log VALUES ('3b');",
    ]);
    let sleeps = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    for applied in ["1", "2"] {
        let running = start(project.path(), &["db", "migrate", "--url", &url], &[]);
        until("the migration sleeps", || {
            ask(&url, sleeps).is_some_and(|count| count == "1")
        });
        server.stop_at_once();
        let run = running.wait();
        assert!(
            matches!(run.code, 6 | 7 | 9),
            "{}: {}",
            run.code,
            run.stderr
        );
        server.start();
        until("the server is back", || ask(&url, "SELECT 1").is_some());
        let count = "SELECT count(*) FROM refinery_schema_history";
        assert_eq!(ask(&url, count).as_deref(), Some(applied));
        let locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'";
        assert_eq!(ask(&url, locks).as_deref(), Some("0"));
        ask(&url, "INSERT INTO flag VALUES (1)").unwrap();
    }
    project.edu(&["db", "migrate", "--url", &url]).expect(0);
    assert_eq!(
        ask(&url, "SELECT string_agg(step, ' ') FROM log").as_deref(),
        Some("3a 3b")
    );
    assert_eq!(
        ask(&url, "SELECT count(*) FROM edu.journal").as_deref(),
        Some("0")
    );
}
