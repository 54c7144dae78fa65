//! Many runners at once.

use std::time::{Duration, Instant};

use crate::support::{Project, Running, Template, database, migrations, start};

const RUNNERS: usize = 50;

fn project() -> Project {
    migrations(&[
        "CREATE TABLE log (step int);\nINSERT INTO log VALUES (1);",
        "-- edu: no-transaction\nINSERT INTO log VALUES (2);\nCREATE INDEX CONCURRENTLY log_step ON log (step);\nINSERT INTO log VALUES (22);",
        "INSERT INTO log VALUES (3);",
    ])
}

fn crowd(project: &Project, url: &str) -> Vec<Running> {
    let args = [
        "db",
        "migrate",
        "--quiet",
        "--lock-timeout",
        "80s",
        "--url",
        url,
    ];
    (0..RUNNERS)
        .map(|_| start(project.path(), &args, &[]))
        .collect()
}

#[test]
fn of_fifty_runners_at_once_one_applies_each_migration() {
    let db = database(Template::Empty);
    let project = project();
    for _ in 0..2 {
        for running in crowd(&project, &db.url()) {
            running.wait().expect(0);
        }
        assert_eq!(
            db.one("SELECT string_agg(step::text, ' ' ORDER BY step) FROM log"),
            "1 2 3 22"
        );
        assert_eq!(db.one("SELECT count(*) FROM edu.run_step"), "3");
        assert_eq!(
            db.one("SELECT indisvalid FROM pg_index WHERE indexrelid = 'log_step'::regclass"),
            "t"
        );
    }
}

#[test]
fn of_fifty_runners_of_which_some_are_killed_each_migration_is_applied_once() {
    let db = database(Template::Empty);
    let project = project();
    let mut runners = crowd(&project, &db.url());
    let mut next = Instant::now();
    while runners.len() > RUNNERS - 8 && runners.iter_mut().any(|running| !running.ended()) {
        if Instant::now() >= next {
            next = Instant::now() + Duration::from_millis(500);
            if let Some(at) = runners.iter_mut().position(|running| !running.ended()) {
                let victim = runners.remove(at);
                victim.signal("KILL");
                victim.wait();
            }
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    for running in runners {
        running.wait().expect(0);
    }
    assert_eq!(
        db.one("SELECT string_agg(step::text, ' ' ORDER BY step) FROM log"),
        "1 2 3 22"
    );
    assert_eq!(
        db.one("SELECT count(*) FROM edu.run_step WHERE outcome = 'applied'"),
        "3"
    );
    assert_eq!(db.one("SELECT count(*) FROM edu.journal"), "0");
}
