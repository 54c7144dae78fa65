//! Failures of the whole server, on servers of the tests' own.

use std::path::Path;

use edu::server::Ephemeral;
use edu::server::ephemeral::Options;
use rustix::process::{Pid, Signal, kill_process};

use super::shop::{Running, declared, until};
use crate::support::{Project, Session, WAIT_MAX, runtime};

const TABLE: &str = "CREATE EXTENSION IF NOT EXISTS age; CREATE EXTENSION vector;
    CREATE TABLE item (id int PRIMARY KEY, tenant int NOT NULL, e vector(1000));
    INSERT INTO item SELECT i, 1, ARRAY(SELECT random() - 0.5
        FROM generate_series(1, 1000) g WHERE g > i - i)::vector FROM generate_series(1, 300) i;
    ANALYZE item";

fn valid(session: &mut Session) -> Vec<Vec<String>> {
    session.rows(
        "SELECT c.relname, i.indisvalid::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
         WHERE c.relname LIKE 'item\\_e%'",
    )
}

#[test]
fn a_server_that_crashed_while_it_built_is_mended() {
    let guard = Path::new(env!("CARGO_BIN_EXE_edu"));
    let server = Ephemeral::start(runtime(), guard, &Options::default()).unwrap();
    let url = server.url("postgres", "postgres");
    let mut session = Session::at(&url);
    session.run(TABLE);
    let mut snapshot = Session::at(&url);
    snapshot.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM pg_class LIMIT 1");
    let project = Project::new(&[("spec/vectors.toml", &declared(""))]);
    let edu = Running::start(&project, &["db", "index", "--url", &url]);
    let pid = until("the last wait", || {
        let builds = session.rows(
            "SELECT pid FROM pg_stat_progress_create_index WHERE phase = 'waiting for old snapshots'",
        );
        builds.first().map(|row| row[0].clone())
    });
    let pid = Pid::from_raw(pid.parse().unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    let (code, said) = edu.end();
    assert_eq!(code, 7, "{said}");
    // The server ends all sessions, recovers, and accepts connections again.
    let run = until("the server's recovery", || {
        let run = project.edu(&["db", "index", "--dry-run", "--url", &url]);
        (run.code != 7).then_some(run)
    });
    assert!(run.says("item_e: invalid"), "{run:?}");
    project.edu(&["db", "index", "--url", &url]).expect(0);
    let mut session = Session::at(&url);
    assert_eq!(valid(&mut session), [["item_e", "true"]]);
    drop((session, snapshot));
    assert!(server.end(WAIT_MAX));
}

/// Runs the rest of its arguments where `/dev/shm` holds 40 MB, and the servers' folders as before.
const NARROW: &str = r#"#!/bin/sh
exec unshare -m sh -c '
    set -e
    for base in /dev/shm/edu-*.servers; do
        keep=$(mktemp -d); mount --bind "$base" "$keep"
        mount -t tmpfs -o size=40m shm /dev/shm
        mkdir -p "$base"; mount --bind "$keep" "$base"
        break
    done
    exec "$EDU" "$@"' sh "$@"
"#;

#[test]
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn a_full_shared_memory_fails_the_naive_build_and_not_edus() {
    let folder = tempfile::tempdir().unwrap();
    let wrapper = folder.path().join("narrow");
    let edu = env!("CARGO_BIN_EXE_edu");
    std::fs::write(&wrapper, NARROW.replace("$EDU", edu)).unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&wrapper, executable).unwrap();
    let namespace = std::process::Command::new("unshare")
        .args(["-m", "true"])
        .status();
    let posix = ("dynamic_shared_memory_type".to_owned(), "posix".to_owned());
    let options = Options {
        settings: vec![posix],
        ..Options::default()
    };
    let tmpfs = std::fs::read_dir("/dev/shm").is_ok();
    if !(tmpfs && namespace.is_ok_and(|status| status.success())) {
        println!("skipped: this machine does not let a test have a /dev/shm of its own");
        return;
    }
    let server = Ephemeral::start(runtime(), &wrapper, &options).unwrap();
    let url = server.url("postgres", "postgres");
    let mut session = Session::at(&url);
    session.run(TABLE);
    session.run(
        "INSERT INTO item SELECT 300 * k + a.id, 1, a.e + b.e FROM item a
         JOIN generate_series(1, 33) k ON true JOIN item b ON b.id = k",
    );
    session.run(
        "SET maintenance_work_mem = '128MB'; SET min_parallel_table_scan_size = 0;
         SET max_parallel_maintenance_workers = 1",
    );
    let naive = "CREATE INDEX CONCURRENTLY item_e ON item USING hnsw (e vector_cosine_ops)";
    let failed = session.attempt(naive).unwrap_err();
    assert!(
        failed.contains("could not resize shared memory segment"),
        "{failed}"
    );
    assert_eq!(valid(&mut session), [["item_e", "false"]]);
    let declaration = declared("m = 4\nef_construction = 8");
    let project = Project::new(&[("spec/vectors.toml", &declaration)]);
    let run = project.edu(&["db", "index", "--url", &url]).expect(0);
    assert!(
        run.says("/dev/shm has room for 33 MB only, so one process builds"),
        "{run:?}"
    );
    assert_eq!(valid(&mut session), [["item_e", "true"]]);
    drop(session);
    assert!(server.end(WAIT_MAX));
}
