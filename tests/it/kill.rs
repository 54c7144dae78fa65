//! The plug is pulled at every message of a run; then the next run must end where an undisturbed one
//! ends: same catalog, same history, nothing lost and nothing done twice.

mod course;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::support::{Cut, Proxy, migrations, runtime, start, tcp_server, until};

pub use self::course::through;
use self::course::{Way, fresh, sql};

/// Every `stride`-th message of a way, from the first on.
fn matrix(way: Way, cut: Cut, stride: usize) {
    let (_, messages) = way.undisturbed();
    for at in (1..=*messages).step_by(stride) {
        way.survives(cut, at, 0);
    }
}

#[test]
fn a_reset_connection_loses_and_doubles_nothing() {
    matrix(Way::There, Cut::ResetBefore, 23);
    matrix(Way::There, Cut::ResetAfter, 29);
}

#[test]
fn a_killed_edu_loses_and_doubles_nothing() {
    matrix(Way::There, Cut::KillClient, 17);
}

#[test]
fn a_network_that_went_silent_is_noticed_and_loses_and_doubles_nothing() {
    let (_, messages) = Way::There.undisturbed();
    // While edu looks at the database, and while it applies.
    Way::There.survives(Cut::Silence, messages / 5, 0);
    Way::There.survives(Cut::Silence, messages / 2, 0);
}

#[test]
fn a_rollback_whose_connection_is_reset_loses_and_doubles_nothing() {
    matrix(Way::Back, Cut::ResetBefore, 31);
    matrix(Way::Back, Cut::ResetAfter, 37);
}

#[test]
fn a_killed_rollback_loses_and_doubles_nothing() {
    matrix(Way::Back, Cut::KillClient, 29);
}

#[test]
fn a_rollback_on_a_network_that_went_silent_ends_and_loses_and_doubles_nothing() {
    let (_, messages) = Way::Back.undisturbed();
    // While edu counts what would be lost, and takes back.
    for at in [49, messages / 2] {
        Way::Back.survives(Cut::Silence, at, 0);
    }
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
        // A busy machine makes more messages on the way: the same number may lie before the migration.
        if run.says("could not make edu's own schema") || run.says("could not connect") {
            assert!(!applied, "at {at}: {}", run.stderr);
            continue;
        }
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
    let run = running.wait();
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

/// Every message of a migration, every way, again and again for as long as `EDU_SOAK_SECONDS` (600) says,
/// on as many databases at once as `EDU_SOAK_WORKERS` (8): a run that was cut mostly waits. `just soak` runs
/// it, and then the same for the way back. `EDU_SOAK_FROM` (0) goes on behind so many cuts of an earlier soak.
#[test]
#[ignore = "takes minutes: just soak"]
fn soak_every_message_every_way() {
    soak(Way::There);
}

#[test]
#[ignore = "takes minutes: just soak"]
fn soak_every_message_of_the_way_back() {
    soak(Way::Back);
}

fn soak(way: Way) {
    static ONE_AFTER_THE_OTHER: Mutex<()> = Mutex::new(());
    let _turn = ONE_AFTER_THE_OTHER.lock();
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().unwrap())
    };
    let deadline = Instant::now() + Duration::from_secs(number("EDU_SOAK_SECONDS", 600));
    let (_, messages) = way.undisturbed();
    let points = points(*messages);
    let from = usize::try_from(number("EDU_SOAK_FROM", 0)).unwrap();
    let (next, survived) = (AtomicUsize::new(from), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..number("EDU_SOAK_WORKERS", 8) {
            scope.spawn(|| {
                while Instant::now() < deadline {
                    let turn = next.fetch_add(1, Ordering::Relaxed);
                    let (at, cut) = points[turn % points.len()];
                    way.survives(cut, at, turn);
                    let survived = survived.fetch_add(1, Ordering::Relaxed) + 1;
                    if survived % 100 == 0 {
                        println!("survived {survived} cuts");
                    }
                }
            });
        }
    });
    let survived = survived.into_inner();
    let of = points.len();
    println!(
        "{way:?}: survived {survived} cuts, of {of} at {messages} messages, from {from} on; none failed"
    );
}
