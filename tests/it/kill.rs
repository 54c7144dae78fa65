//! The plug is pulled at every message of a run; then the next run must end where an undisturbed one
//! ends: same catalog, same history, nothing lost and nothing done twice.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sqlx::{Connection, Row};

use crate::support::{Cut, Project, Proxy, migrations, runtime, start, tcp_server, until};

const LIMIT: Duration = Duration::from_secs(90);

/// Transactional, without a transaction, concurrent, and one that always fails.
fn project() -> Project {
    migrations(&[
        "CREATE TABLE a (i int);\nCREATE TYPE mood AS ENUM ('calm');\nCREATE TABLE log (step text);",
        "-- edu: no-transaction\nINSERT INTO log VALUES ('2a');\n\
         CREATE INDEX CONCURRENTLY a_i ON a (i);\nALTER TYPE mood ADD VALUE 'glad';\n\
         INSERT INTO log VALUES ('2b');\nREINDEX INDEX CONCURRENTLY a_i;\nVACUUM a;\n\
         CREATE INDEX CONCURRENTLY a_j ON a ((i + 1));\nDROP INDEX CONCURRENTLY a_j;",
        "ALTER TABLE a ADD COLUMN k text;\nINSERT INTO log VALUES ('3');",
        "CREATE TABLE b (i int REFERENCES log2 (i));\n",
        "CREATE TABLE never (i int);\nSELECT 1 / 0;",
    ])
}

fn sql(database: &str, text: &str) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let url = tcp_server().url(database, "postgres");
        let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(text.to_owned()))
            .fetch_all(&mut connection)
            .await
            .unwrap_or_else(|error| panic!("{error}: {text}"))
            .iter()
            .map(|row| {
                row.try_get::<Option<String>, _>(0)
                    .ok()
                    .flatten()
                    .unwrap_or_default()
            })
            .collect()
    })
}

/// All that must be the same however often the plug was pulled.
fn state(database: &str) -> String {
    let dump = runtime()
        .command("pg_dump")
        .args([
            "-s",
            "--restrict-key=x",
            "-d",
            &tcp_server().url(database, "postgres"),
        ])
        .output()
        .expect("pg_dump");
    assert!(
        dump.status.success(),
        "{}",
        String::from_utf8_lossy(&dump.stderr)
    );
    let facts = sql(
        database,
        "SELECT string_agg(version || ' ' || name || ' ' || checksum, ', ' ORDER BY version) FROM refinery_schema_history
         UNION ALL SELECT 'log ' || string_agg(step, ' ' ORDER BY step) FROM log
         UNION ALL SELECT 'invalid ' || count(*) FROM pg_index WHERE NOT indisvalid
         UNION ALL SELECT 'journal ' || count(*) FROM edu.journal
         UNION ALL SELECT 'steps ' || string_agg(DISTINCT version || outcome, ' ') FROM edu.run_step WHERE outcome = 'applied'
         UNION ALL SELECT 'open runs ' || count(*) FROM edu.run WHERE ended_at IS NULL
         UNION ALL SELECT 'locks ' || count(*) FROM pg_locks WHERE locktype = 'advisory'
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    );
    format!(
        "{}\n{}",
        facts.join("\n"),
        String::from_utf8_lossy(&dump.stdout)
    )
}

fn fresh(database: &str) {
    sql(
        "postgres",
        &format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)"),
    );
    sql(
        "postgres",
        &format!("CREATE DATABASE {database} TEMPLATE template0 STRATEGY file_copy"),
    );
    sql(database, "CREATE TABLE log2 (i int PRIMARY KEY)");
}

/// What an undisturbed run gives, and how many messages it takes.
fn undisturbed() -> &'static (String, usize) {
    static STATE: OnceLock<(String, usize)> = OnceLock::new();
    STATE.get_or_init(|| {
        fresh("undisturbed");
        let proxy = Proxy::start(tcp_server().port, Cut::Never, 0);
        let url = through(&proxy, "undisturbed");
        project().edu(&["db", "migrate", "--url", &url]).expect(5);
        (state("undisturbed"), proxy.seen())
    })
}

fn through(proxy: &Proxy, database: &str) -> String {
    let password = &tcp_server().password;
    let port = proxy.port;
    format!("postgresql://postgres:{password}@127.0.0.1:{port}/{database}?sslmode=disable")
}

/// Pulls the plug at one message, runs again, and compares.
fn survives(cut: Cut, at: usize, turn: usize) {
    let (wanted, _) = undisturbed();
    let database = format!("k{at}_{turn}_{}", format!("{cut:?}").to_lowercase());
    let project = project();
    fresh(&database);
    let proxy = Proxy::start(tcp_server().port, cut, at);
    let url = through(&proxy, &database);
    let running = start(project.path(), &["db", "migrate", "--url", &url], &[]);
    proxy.client(running.pid());
    let run = running.wait(LIMIT);
    assert!(
        matches!(run.code, -1 | 5 | 6 | 7 | 9),
        "{cut:?} at {at}: exit {}\n{}",
        run.code,
        run.stderr
    );
    assert!(
        !run.stderr.contains(&tcp_server().password),
        "{}",
        run.stderr
    );
    drop(proxy);
    until("the server has noticed", || {
        sql(
            &database,
            "SELECT count(*)::text FROM pg_stat_activity WHERE application_name LIKE 'edu%' AND datname = current_database()",
        ) == ["0"]
    });
    let direct = tcp_server().url(&database, "postgres");
    let again = project.edu(&["db", "migrate", "--url", &direct]);
    assert_eq!(
        again.code, 5,
        "{cut:?} at {at}: {}\nafter: {}",
        again.stderr, run.stderr
    );
    let found = state(&database);
    assert!(
        found == *wanted,
        "{cut:?} at {at}:\n{}\nafter: {}",
        difference(wanted, &found),
        run.stderr
    );
    sql(
        "postgres",
        &format!("DROP DATABASE {database} WITH (FORCE)"),
    );
}

fn difference(wanted: &str, found: &str) -> String {
    let missing = wanted
        .lines()
        .filter(|line| !found.contains(line))
        .map(|l| format!("- {l}"));
    let more = found
        .lines()
        .filter(|line| !wanted.contains(line))
        .map(|l| format!("+ {l}"));
    missing.chain(more).collect::<Vec<_>>().join("\n")
}

/// Every `stride`-th message, beginning at an offset.
fn matrix(cut: Cut, stride: usize) -> usize {
    let (_, messages) = undisturbed();
    let points: Vec<usize> = (1..=*messages).step_by(stride).collect();
    for at in &points {
        survives(cut, *at, 0);
    }
    points.len()
}

#[test]
fn a_reset_connection_loses_and_doubles_nothing() {
    matrix(Cut::ResetBefore, 23);
    matrix(Cut::ResetAfter, 29);
}

#[test]
fn a_killed_edu_loses_and_doubles_nothing() {
    matrix(Cut::KillClient, 17);
}

#[test]
fn a_network_that_went_silent_is_noticed_and_loses_and_doubles_nothing() {
    let (_, messages) = undisturbed();
    // While edu looks at the database, and while it applies.
    survives(Cut::Silence, messages / 5, 0);
    survives(Cut::Silence, messages / 2, 0);
}

#[test]
fn what_edu_says_about_a_commit_whose_answer_was_lost_is_true() {
    let project = migrations(&["CREATE TABLE a (i int);"]);
    let run = |cut: Cut, at: usize| {
        fresh("lost_commit");
        let proxy = Proxy::start(tcp_server().port, cut, at);
        let url = through(&proxy, "lost_commit");
        (project.edu(&["db", "migrate", "--url", &url]), proxy.seen())
    };
    let (_, messages) = run(Cut::Never, 0);
    let mut heard = [false, false];
    for at in (messages - 28..messages - 2).rev() {
        let (run, _) = run(Cut::ResetBefore, at);
        let applied = sql(
            "lost_commit",
            "SELECT (to_regclass('refinery_schema_history') IS NOT NULL AND to_regclass('a') IS NOT NULL)::text",
        ) == ["true"];
        let says_applied =
            run.says("is applied: the history has it") || run.says("applied migrations/V1");
        let says_not = run.says("V1 was rolled back") || run.says("rolls V1 back");
        assert!(says_applied != says_not, "at {at}: {}", run.stderr);
        assert_eq!(says_applied, applied, "at {at}: {}", run.stderr);
        heard[usize::from(run.says("asking the history") && applied)] = true;
    }
    assert_eq!(heard, [true, true], "no commit was lost on the way");
}

#[test]
fn a_server_that_crashed_under_a_run_is_migrated_by_the_next_one() {
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
    let ask = |text: &str| -> Option<String> {
        let output = runtime()
            .command("psql")
            .args(["-qXAt", "-d", &url, "-c", text])
            .output();
        let output = output.expect("psql");
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    ask("CREATE TABLE flag (i int); CREATE TABLE log (step text)").unwrap();
    let project = migrations(&[
        "CREATE TABLE a (i int);",
        "-- edu: no-transaction\nINSERT INTO log VALUES ('2a');\nVACUUM a;\nINSERT INTO log VALUES ('2b');\n\
         SELECT pg_sleep(60) WHERE NOT EXISTS (SELECT FROM flag);\nINSERT INTO log VALUES ('2c');",
    ]);
    let running = start(project.path(), &["db", "migrate", "--url", &url], &[]);
    let sleeper = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(60)%' AND wait_event = 'PgSleep' AND pid <> pg_backend_pid()";
    let mut pid = String::new();
    until("the statement runs", || {
        pid = ask(sleeper).unwrap_or_default();
        !pid.is_empty()
    });
    let backend = rustix::process::Pid::from_raw(pid.parse().unwrap()).unwrap();
    rustix::process::kill_process(backend, rustix::process::Signal::KILL).unwrap();
    let run = running.wait(LIMIT);
    assert!(
        matches!(run.code, 6 | 7 | 9),
        "{}: {}",
        run.code,
        run.stderr
    );
    until("the server is back", || {
        ask("INSERT INTO flag VALUES (1)").is_some()
    });
    project.edu(&["db", "migrate", "--url", &url]).expect(0);
    assert_eq!(
        ask("SELECT string_agg(step, ' ') FROM log").unwrap(),
        "2a 2b 2c"
    );
    assert_eq!(ask("SELECT count(*) FROM edu.journal").unwrap(), "0");
}

/// All points of the soak, coarse first, so that a short one still sees the whole run. A silent network is
/// noticed only after seconds, so it is tried at fewer messages.
fn points(messages: usize) -> Vec<(usize, Cut)> {
    let mut points = Vec::new();
    for offset in [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15] {
        for at in (1 + offset..=messages).step_by(16) {
            points.extend([
                (at, Cut::KillClient),
                (at, Cut::ResetBefore),
                (at, Cut::ResetAfter),
            ]);
            if offset % 4 == 0 {
                points.push((at, Cut::Silence));
            }
        }
    }
    points
}

/// Every message, every way, again and again for as long as `EDU_SOAK_SECONDS` (600) says, on as many
/// databases at once as `EDU_SOAK_WORKERS` (8): a run that was cut mostly waits. `just soak` runs it.
#[test]
#[ignore = "takes minutes: just soak"]
fn soak_every_message_every_way() {
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().unwrap())
    };
    let deadline = Instant::now() + Duration::from_secs(number("EDU_SOAK_SECONDS", 600));
    let (_, messages) = undisturbed();
    let points = points(*messages);
    let (next, survived) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..number("EDU_SOAK_WORKERS", 8) {
            scope.spawn(|| {
                while Instant::now() < deadline {
                    let turn = next.fetch_add(1, Ordering::Relaxed);
                    let (at, cut) = points[turn % points.len()];
                    survives(cut, at, turn);
                    let survived = survived.fetch_add(1, Ordering::Relaxed) + 1;
                    if survived % 100 == 0 {
                        println!("survived {survived} cuts");
                    }
                }
            });
        }
    });
    let survived = survived.into_inner();
    println!("survived {survived} cuts at {messages} messages, none failed");
}
