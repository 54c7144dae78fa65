//! The embedded server through the binary, on real servers.
//!
//! Most tests share the default cache, which the first of them fills; those about installing have
//! one of their own. Each test's project is deleted with its server when the test ends.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use edu::config::Environment;
use edu::progress::silent;
use edu::server::ephemeral::Options;
use edu::server::runtime::USUAL;
use edu::server::{Ephemeral, Runtime};
use tempfile::TempDir;

const EDU: &str = env!("CARGO_BIN_EXE_edu");

/// A folder that the server's account can enter.
fn folder(prefix: &str) -> TempDir {
    let folder = tempfile::Builder::new()
        .prefix(prefix)
        .tempdir_in("/tmp")
        .unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// A project whose server goes with it.
struct Project(TempDir);

impl Project {
    fn new(prefix: &str) -> Self {
        let folder = folder(prefix);
        fs::write(
            folder.path().join("edu.toml"),
            "name = \"shop\"\n[extensions]\nage = \"*\"\nvector = \"*\"\n",
        )
        .unwrap();
        Self(folder)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(EDU);
        command
            .current_dir(self.0.path())
            .arg("server")
            .args(arguments)
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Told {
        Told::of(self.command(arguments).output().unwrap())
    }

    fn sql(&self, sql: &str) -> String {
        let told = self.run(&[
            "psql",
            "--database",
            "postgres",
            "--",
            "-XAtq",
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            sql,
        ]);
        assert_eq!(told.code, 0, "{sql}: {}", told.err);
        told.out.trim().to_owned()
    }

    fn postmaster(&self) -> String {
        let text = fs::read_to_string(self.0.path().join(".edu/server/17/postmaster.pid")).unwrap();
        text.lines().next().unwrap().to_owned()
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        for major in ["17", "18"] {
            let _ = self.command(&["reset", "--yes", "--major", major]).output();
        }
    }
}

/// What a run said and how it ended.
struct Told {
    code: i32,
    out: String,
    err: String,
}

impl Told {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Told {
    #[track_caller]
    fn expect_done(&self) {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
    }
}

/// Polls until `what` holds.
fn eventually(claim: &str, what: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !what() {
        assert!(Instant::now() < deadline, "{claim}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether a process runs. A zombie, which some containers never reap, does not.
fn runs(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn kill_9(pid: &str) {
    assert!(
        Command::new("kill")
            .args(["-9", pid])
            .status()
            .unwrap()
            .success()
    );
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn a_started_server_has_the_extensions_and_uses_nothing_of_the_host() {
    let project = Project::new("edu with spaces ");
    let started = project.run(&["start"]);
    assert_eq!(started.code, 0, "{}", started.err);
    for extension in [
        "age",
        "vector",
        "pgcrypto",
        "\"uuid-ossp\"",
        "pg_stat_statements",
        "pg_trgm",
    ] {
        project.sql(&format!("CREATE EXTENSION {extension}"));
    }
    let settings = project.sql(
        "SELECT concat_ws(' ', current_setting('data_checksums'), current_setting('fsync'), current_setting('jit'), \
         datlocprovider, datlocale, current_setting('TimeZone')) FROM pg_database WHERE datname = 'template1'",
    );
    assert_eq!(settings, "on on off b C.UTF-8 UTC");
    assert_eq!(project.sql("SELECT '[1,2,3]'::vector <-> '[1,2,4]'"), "1");
    let maps = fs::read_to_string(format!("/proc/{}/maps", project.postmaster())).unwrap();
    let host = maps
        .lines()
        .filter_map(|line| line.split_whitespace().nth(5))
        .find(|path| {
            path.contains(".so")
                && (path.starts_with("/lib")
                    || path.starts_with("/usr/lib/x86")
                    || path.starts_with("/usr/lib/aarch"))
        });
    let status = project.run(&["status", "--output", "json"]);
    let installed = !status.out.contains("\"unpacked\"");
    assert!(
        installed || host.is_none(),
        "mapped from the host: {host:?}"
    );
}

#[test]
fn a_server_keeps_its_port_and_its_data_across_restarts() {
    let project = Project::new("edu-restart-");
    let first = project.run(&["start"]);
    assert_eq!(first.code, 0, "{}", first.err);
    project.sql("CREATE TABLE kept (id int)");
    let again = project.run(&["start"]);
    assert_eq!(
        (again.code, again.out == first.out),
        (0, true),
        "{}",
        again.err
    );
    assert!(again.err.contains("already running"));
    assert_eq!(project.run(&["status"]).code, 0);
    assert_eq!(project.run(&["stop"]).code, 0);
    let stopped = project.run(&["status"]);
    assert_eq!((stopped.code, stopped.err.as_str()), (3, ""));
    assert!(project.run(&["stop"]).err.contains("was not running"));
    assert_eq!(project.run(&["start"]).out, first.out);
    assert_eq!(project.sql("SELECT count(*) FROM kept"), "0");
    assert!(
        project
            .run(&["logs", "-n", "500"])
            .out
            .contains("ready to accept connections")
    );
}

#[test]
fn a_server_moves_when_its_port_was_taken_meanwhile() {
    let project = Project::new("edu-port-");
    assert_eq!(project.run(&["start"]).code, 0);
    let port = project.sql("SHOW port");
    assert_eq!(project.run(&["stop"]).code, 0);
    let _taken = TcpListener::bind(("127.0.0.1", port.parse::<u16>().unwrap())).unwrap();
    let moved = project.run(&["start"]);
    assert_eq!(moved.code, 0, "{}", moved.err);
    assert!(
        moved.err.contains(&format!("taken port {port}")),
        "{}",
        moved.err
    );
    assert_ne!(project.sql("SHOW port"), port);
}

#[test]
fn a_killed_server_starts_again_with_what_was_committed() {
    let project = Project::new("edu-crash-");
    assert_eq!(project.run(&["start"]).code, 0);
    project.sql("CREATE TABLE kept AS SELECT 42 AS id");
    kill_9(&project.postmaster());
    eventually("status sees the crash", || {
        project.run(&["status"]).code == 3
    });
    let started = project.run(&["start"]);
    assert_eq!(started.code, 0, "{}", started.err);
    assert_eq!(project.sql("SELECT id FROM kept"), "42");
}

#[test]
fn a_process_that_got_the_old_process_id_does_not_keep_the_server_from_starting() {
    let project = Project::new("edu-stale-");
    assert_eq!(project.run(&["start"]).code, 0);
    assert_eq!(project.run(&["stop"]).code, 0);
    let stale = project.0.path().join(".edu/server/17/postmaster.pid");
    fs::write(
        stale,
        format!("{}\n/x\n1\n1\n\n\n\nready\n", std::process::id()),
    )
    .unwrap();
    assert_eq!(project.run(&["status"]).code, 3);
    let started = project.run(&["start"]);
    assert_eq!(started.code, 0, "{}", started.err);
}

#[test]
fn both_majors_run_side_by_side() {
    let project = Project::new("edu-majors-");
    let newer = project.run(&["start", "--major", "18"]);
    if newer.err.contains("does not resolve") {
        return; // Debian testing's own day off; that leg of CI reports it.
    }
    assert_eq!(newer.code, 0, "{}", newer.err);
    assert_eq!(project.run(&["start"]).code, 0);
    let version = |major| {
        project
            .run(&[
                "psql",
                "--major",
                major,
                "--database",
                "postgres",
                "--",
                "-XAtc",
                "SHOW server_version_num",
            ])
            .out
    };
    assert!(version("18").starts_with("18") && version("17").starts_with("17"));
}

#[test]
fn a_url_over_tcp_hides_the_password_unless_asked_and_the_server_wants_it() {
    let project = Project::new("edu-tcp-");
    assert_eq!(project.run(&["start"]).code, 0);
    let hidden = project.run(&["url", "--tcp", "--database", "postgres"]);
    let shown = project.run(&["url", "--tcp", "--database", "postgres", "--show-password"]);
    let socket = project.run(&["url", "--database", "postgres"]);
    assert!(!hidden.out.contains("postgres:") && hidden.err.contains("password-17"));
    let connect = |url: &str| {
        use sqlx::Connection;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async { sqlx::PgConnection::connect(url.trim()).await.map(drop) })
    };
    assert!(connect(&hidden.out).is_err());
    connect(&shown.out).unwrap();
    connect(&socket.out).unwrap();
}

#[test]
fn reset_refuses_when_nobody_can_be_asked_and_deletes_when_told() {
    let project = Project::new("edu-reset-");
    assert_eq!(project.run(&["start"]).code, 0);
    let refused = project.run(&["reset"]);
    assert_eq!(refused.code, 8);
    assert!(refused.err.contains("edu server reset --yes"));
    assert_eq!(project.run(&["status"]).code, 0);
    assert_eq!(project.run(&["reset", "--yes"]).code, 0);
    assert!(!project.0.path().join(".edu/server/17").exists());
    assert!(!project.0.path().join(".edu/server/password-17").exists());
}

#[test]
fn a_folder_without_a_project_is_refused_with_the_way_in() {
    let empty = folder("edu-none-");
    let output = Command::new(EDU)
        .current_dir(empty.path())
        .args(["server", "start"])
        .output()
        .unwrap();
    let told = Told::of(output);
    assert_eq!(told.code, 2);
    assert!(told.err.contains("edu.toml") && told.err.contains("--project DIR"));
}

/// One fresh cache serves three claims, because each installation costs seconds.
#[test]
fn one_of_many_installs_and_a_killed_installation_is_repaired_and_a_moved_cache_heals_offline() {
    let home = folder("edu-cache-");
    let cache = home.path().join("c");
    let install = |cache: &Path| {
        let mut command = Command::new(EDU);
        command
            .current_dir("/")
            .args(["server", "install"])
            .env("XDG_CACHE_HOME", cache);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    if fs::exists("/usr/lib/postgresql/17/bin/postgres").unwrap_or(false) {
        return; // An installed server may be used instead.
    }

    let mut killed = install(&cache).spawn().unwrap();
    let runtime = cache.join("edu/runtime");
    let entries = || -> Vec<PathBuf> {
        fs::read_dir(&runtime)
            .map(|all| all.flatten().map(|e| e.path()).collect())
            .unwrap_or_default()
    };
    eventually("unpacking begins", || {
        entries().iter().any(|path| path.join("tree/usr").exists())
    });
    killed.kill().unwrap();
    killed.wait().unwrap();

    let together: Vec<_> = (0..20).map(|_| install(&cache).spawn().unwrap()).collect();
    let told: Vec<Told> = together
        .into_iter()
        .map(|child| Told::of(child.wait_with_output().unwrap()))
        .collect();
    for one in &told {
        assert_eq!((one.code, &one.out), (0, &told[0].out), "{}", one.err);
    }
    let unpacked = told
        .iter()
        .filter(|one| one.err.contains("unpacked PostgreSQL 17"))
        .count();
    assert_eq!(unpacked, 1);
    eventually("only the installation is left", || {
        entries().iter().filter(|path| path.is_dir()).count() == 1
            || Told::of(install(&cache).output().unwrap()).code != 0
    });

    let moved = home.path().join("moved here");
    fs::rename(&cache, &moved).unwrap();
    let healed = Told::of(
        install(&moved)
            .env("PATH", "/nonexistent")
            .output()
            .unwrap(),
    );
    assert_eq!(healed.code, 0, "{}", healed.err);
    let psql = Path::new(healed.out.trim()).join("psql");
    assert!(
        psql.starts_with(&moved)
            && Command::new(psql)
                .arg("--version")
                .output()
                .unwrap()
                .status
                .success()
    );
}

#[test]
fn an_ordinary_user_needs_no_root() {
    if !is_root() {
        return; // Then every other test shows it.
    }
    let home = folder("edu-nobody-");
    let edu = home.path().join("edu");
    fs::copy(EDU, &edu).unwrap();
    fs::set_permissions(&edu, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(
        home.path().join("edu.toml"),
        "name = \"shop\"\n[extensions]\nage = \"*\"\nvector = \"*\"\n",
    )
    .unwrap();
    std::os::unix::fs::chown(home.path(), Some(65534), Some(65534)).unwrap();
    let run = |arguments: &[&str], cache: &Path| {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(&edu)
            .arg("server")
            .args(arguments);
        command
            .current_dir(home.path())
            .env("HOME", home.path())
            .env("XDG_CACHE_HOME", cache)
            .env_remove("XDG_RUNTIME_DIR");
        Told::of(command.output().unwrap())
    };
    let cache = home.path().join(".cache");
    let started = run(&["start"], &cache);
    assert_eq!(started.code, 0, "{}", started.err);
    assert_eq!(
        run(
            &[
                "psql",
                "--database",
                "postgres",
                "--",
                "-XAtc",
                "CREATE EXTENSION age"
            ],
            &cache
        )
        .code,
        0
    );
    assert_eq!(run(&["reset", "--yes"], &cache).code, 0);

    let closed = folder("edu-closed-");
    let unwritable = run(&["install"], &closed.path().join("cache"));
    assert_eq!(unwritable.code, 2);
    assert!(
        unwritable.err.contains(closed.path().to_str().unwrap())
            && unwritable.err.contains("XDG_CACHE_HOME"),
        "{}",
        unwritable.err
    );
}

#[test]
fn a_cache_that_runs_no_programs_or_has_no_room_is_told_before_anything_is_fetched() {
    let home = folder("edu-mount-");
    for (options, headline) in [
        ("noexec,size=900m,mode=755", "noexec"),
        ("size=50m,mode=755", "not enough room"),
    ] {
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(home.path())
            .output();
        if !is_root() || !mount.is_ok_and(|output| output.status.success()) {
            return; // Mounting is not allowed here.
        }
        let output = Command::new(EDU)
            .current_dir("/")
            .args(["server", "install"])
            .env("XDG_CACHE_HOME", home.path())
            .output();
        assert!(
            Command::new("umount")
                .arg(home.path())
                .status()
                .unwrap()
                .success()
        );
        let told = Told::of(output.unwrap());
        assert_eq!(told.code, 2, "{}", told.err);
        assert!(
            told.err.contains(headline) && !told.err.contains("downloading"),
            "{}",
            told.err
        );
    }
}

fn runtime() -> Runtime {
    Runtime::ensure(&Environment::read(), 17, &USUAL, &silent).unwrap()
}

/// Not a test: the process that the tests below kill. Joins the shared server of `EDU_TEST_KEY`.
#[test]
#[ignore = "a helper of other tests"]
fn holder() {
    let Some(key) = std::env::var_os("EDU_TEST_KEY").map(PathBuf::from) else {
        return;
    };
    let while_pid = std::env::var("EDU_TEST_WHILE")
        .ok()
        .and_then(|pid| pid.parse().ok());
    let options = Options {
        while_pid,
        ..Options::default()
    };
    let joined = Ephemeral::attach(&runtime(), Path::new(EDU), &key, &options).unwrap();
    let name = format!("joined-{}", std::process::id());
    fs::write(
        key.join(name),
        joined.sockets().parent().unwrap().to_str().unwrap(),
    )
    .unwrap();
    if std::env::var_os("EDU_TEST_LEAVE").is_none() {
        std::thread::sleep(Duration::from_secs(60));
    }
}

fn spawn_holder(key: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "--ignored", "holder"])
        .env("EDU_TEST_KEY", key)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// The folders that holders have reported.
fn joined(key: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(key).unwrap().flatten();
    let names = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("joined-"));
    names
        .filter_map(|entry| fs::read_to_string(entry.path()).ok())
        .filter(|text| !text.is_empty())
        .map(PathBuf::from)
        .collect()
}

fn postmaster_of(folder: &Path) -> String {
    let text = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap();
    text.lines().next().unwrap().to_owned()
}

#[test]
fn processes_share_one_ephemeral_server_and_killing_them_all_ends_it() {
    let _ = runtime();
    let key = folder("edu-key-");
    let mut holders: Vec<_> = (0..4)
        .map(|_| spawn_holder(key.path()).spawn().unwrap())
        .collect();
    eventually("all have joined", || joined(key.path()).len() == 4);
    let folders = joined(key.path());
    assert!(folders.iter().all(|folder| *folder == folders[0]));
    let server = postmaster_of(&folders[0]);
    for holder in &mut holders {
        assert!(folders[0].exists());
        holder.kill().unwrap();
        holder.wait().unwrap();
    }
    eventually("the folder is gone", || !folders[0].exists());
    eventually("the server is gone", || !runs(&server));
}

#[test]
fn a_named_process_keeps_an_ephemeral_server_between_its_users() {
    let _ = runtime();
    let key = folder("edu-while-");
    let mut parent = Command::new("sleep").arg("60").spawn().unwrap();
    let run = || {
        let mut command = spawn_holder(key.path());
        command
            .env("EDU_TEST_WHILE", parent.id().to_string())
            .env("EDU_TEST_LEAVE", "1");
        assert!(command.status().unwrap().success());
    };
    run();
    run();
    let folders = joined(key.path());
    assert_eq!((folders.len(), &folders[0]), (2, &folders[1]));
    assert!(folders[0].exists());
    parent.kill().unwrap();
    parent.wait().unwrap();
    eventually("the folder is gone", || !folders[0].exists());
}

#[test]
fn a_server_whose_guard_was_killed_is_swept_up_by_the_next_start() {
    let runtime = runtime();
    let first = Ephemeral::start(&runtime, Path::new(EDU), &Options::default()).unwrap();
    let folder = first.sockets().parent().unwrap().to_path_buf();
    let server = postmaster_of(&folder);
    let parent = fs::read_to_string(format!("/proc/{server}/status")).unwrap();
    let guard = parent
        .lines()
        .find_map(|line| line.strip_prefix("PPid:"))
        .unwrap()
        .trim()
        .to_owned();
    kill_9(&guard);
    // Its first thread is a zombie before the others have let go of the lock, which is what counts.
    let lock = fs::File::open(folder.join("guard")).unwrap();
    eventually("the guard's lock is free", || lock.try_lock().is_ok());
    drop(lock);
    drop(first);
    let second = Ephemeral::start(&runtime, Path::new(EDU), &Options::default()).unwrap();
    assert!(!folder.exists() && !runs(&server));
    assert!(second.end(Duration::from_secs(120)));
}

#[test]
fn an_ephemeral_server_with_a_wrong_setting_fails_with_the_servers_words_and_leaves_nothing() {
    let options = Options {
        settings: vec![("work_mem".into(), "lots".into())],
        ..Options::default()
    };
    let failure = Ephemeral::start(&runtime(), Path::new(EDU), &options).unwrap_err();
    assert!(failure.detail.concat().contains("work_mem"), "{failure}");
}

#[test]
fn a_server_is_recovered_to_a_moment_and_the_data_from_before_is_kept() {
    let project = Project::new("edu-recover-");
    let kept = folder("edu-wal-");
    let wal = kept.path().join("wal").display().to_string();
    let dumps = kept.path().join("backups").display().to_string();
    project.run(&["start"]).expect_done();
    project.run(&["archive", &wal]).expect_done();
    project.sql("CREATE TABLE t (i int); INSERT INTO t VALUES (1)");
    let url = project.run(&["url", "--database", "postgres"]).out;
    let base = Told::of(
        Command::new(EDU)
            .current_dir(project.0.path())
            .args(["db", "backup", "base", "--dir", &dumps, "--url", url.trim()])
            .output()
            .unwrap(),
    );
    base.expect_done();
    let base = base.out.trim();
    project.sql("INSERT INTO t VALUES (2)");
    let moment = project.sql("SELECT clock_timestamp()");
    project.sql("INSERT INTO t VALUES (3)");
    let segment = project.sql("SELECT pg_walfile_name(pg_switch_wal())");
    eventually("the segment is kept", || {
        Path::new(&wal).join(&segment).exists()
    });
    // A moment that the WAL does not reach: everything stays as it is.
    let never = project.run(&[
        "recover",
        base,
        "--wal",
        &wal,
        "--until",
        "2100-01-01",
        "--yes",
    ]);
    assert_eq!(never.code, 7, "{}", never.err);
    assert!(
        never.err.contains("the data from before is in its place"),
        "{}",
        never.err
    );
    assert_eq!(
        project.sql("SELECT string_agg(i::text, ' ') FROM t"),
        "1 2 3"
    );
    let done = project.run(&["recover", base, "--wal", &wal, "--until", &moment, "--yes"]);
    done.expect_done();
    assert!(done.err.contains("is kept in"), "{}", done.err);
    assert_eq!(project.sql("SELECT string_agg(i::text, ' ') FROM t"), "1 2");
    project.sql("INSERT INTO t VALUES (4)");
    project.run(&["stop"]).expect_done();
    project.run(&["start"]).expect_done();
    assert_eq!(
        project.sql("SELECT string_agg(i::text, ' ') FROM t"),
        "1 2 4"
    );
}

#[test]
fn what_is_no_base_backup_is_refused_and_changes_nothing() {
    let project = Project::new("edu-nobase-");
    let other = folder("edu-other-");
    let path = other.path().display().to_string();
    project.run(&["start"]).expect_done();
    let told = project.run(&["recover", &path, "--wal", &path, "--yes"]);
    assert_eq!(told.code, 2, "{}", told.err);
    assert!(told.err.contains("is no base backup"), "{}", told.err);
    project.run(&["start"]).expect_done();
    assert_eq!(project.sql("SELECT 1"), "1");
}

#[test]
fn everything_at_once_stops_at_a_hazard_that_no_file_takes_on() {
    let project = Project::new("edu-up-");
    let write = |path: &str, text: &str| fs::write(project.0.path().join(path), text).unwrap();
    let up = || {
        let mut command = Command::new(EDU);
        command.current_dir(project.0.path()).arg("up");
        Told::of(command.stdin(Stdio::null()).output().unwrap())
    };
    write("edu.toml", "name = \"shop\"\n");
    fs::create_dir(project.0.path().join("migrations")).unwrap();
    write(
        "migrations/V1__item.sql",
        "CREATE TABLE public.item (id int8 PRIMARY KEY, price int4 NOT NULL);
         INSERT INTO public.item SELECT n, n FROM generate_series(1, 10) AS n;",
    );
    up().expect_done();
    let file = "migrations/V2__wide.sql";
    let statement = "ALTER TABLE public.item ALTER COLUMN price TYPE int8;\n";
    write(file, statement);
    let told = up();
    assert_eq!(told.code, 8, "{}", told.err);
    assert!(told.err.contains("table-rewrite"), "{}", told.err);
    assert!(told.err.contains("Nothing was run."), "{}", told.err);
    let allow = "-- edu: allow table-rewrite reason=\"ten rows\"\n";
    write(file, &format!("{allow}{statement}"));
    up().expect_done();
}
