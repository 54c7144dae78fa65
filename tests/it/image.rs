//! `edu image build` and `edu image check`.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use edu::server::Ephemeral;
use edu::server::ephemeral::Options;
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Project, Session, Template, command, database, edu, major, runtime, until};

#[test]
fn a_server_with_everything_is_proved_and_left_as_it_was() {
    let db = database(Template::Empty);
    let major = major().to_string();
    let run = db.edu(&["image", "check", "--major", &major]).expect(0);
    let checks: Vec<&str> = run
        .stdout
        .lines()
        .map(|line| line.split_whitespace().nth(1).unwrap())
        .collect();
    assert_eq!(
        checks,
        [
            "major",
            "preload",
            "extensions",
            "cypher",
            "hnsw",
            "restore"
        ],
        "{}",
        run.stdout
    );
    assert!(run.stdout.lines().all(|line| line.starts_with('✓')));
}

#[test]
fn a_server_that_lacks_something_is_told_what_and_the_scratch_databases_go() {
    let db = database(Template::Empty);
    let project = Project::new(&[(
        "edu.toml",
        "name = \"shop\"\n[extensions]\nage = \"*\"\nvector = \">=99\"\n",
    )]);
    let args = ["image", "check", "--major", "16", "--output", "json"];
    let run = project
        .edu(&[&args[..], &["--url", &db.url()]].concat())
        .expect(1);
    let states: Vec<&str> = run
        .stdout
        .lines()
        .filter_map(|line| line.trim().strip_prefix("\"state\": \""))
        .map(|rest| rest.trim_end_matches("\","))
        .collect();
    assert_eq!(
        states,
        [
            "failed", "proved", "failed", "skipped", "skipped", "skipped"
        ],
        "{}",
        run.stdout
    );
    assert!(run.says("edu image build --major 16"), "{}", run.stdout);
    assert!(run.says("wanted is >=99"), "{}", run.stdout);
}

#[test]
fn without_a_superuser_nothing_is_created() {
    let db = database(Template::Empty);
    db.run(
        "DO $$ BEGIN CREATE ROLE plain LOGIN CREATEDB; EXCEPTION WHEN duplicate_object OR unique_violation THEN END $$",
    );
    let args = ["image", "check", "--url", &db.url_as("plain")];
    let run = edu(&Project::root(), &args).expect(8);
    assert!(
        run.says("role \"plain\" is not a superuser"),
        "{}",
        run.stderr
    );
}

#[test]
fn ctrl_c_leaves_no_scratch_database() {
    // A server of its own, so that every scratch database on it is this check's.
    let guard = Path::new(env!("CARGO_BIN_EXE_edu"));
    let server = Ephemeral::start(runtime(), guard, &Options::default()).unwrap();
    let url = server.url("postgres", "postgres");
    let scratch = "SELECT count(*) FROM pg_database WHERE datname LIKE 'edu\\_check\\_%'";
    let args = ["image", "check", "--url", &url];
    let mut check = command(&Project::root(), &args, &[]);
    let mut check = check
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut looker = Session::at(&url);
    until("a scratch database is there", || looker.one(scratch) != "0");
    let pid = Pid::from_raw(i32::try_from(check.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    assert_eq!(check.wait().unwrap().code(), Some(130));
    assert_eq!(psql(&url, scratch), "0");
}

fn psql(url: &str, sql: &str) -> String {
    let mut psql = runtime().command("psql");
    let output = psql.args(["-XAtqc", sql, url]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn the_engine_that_is_there_gets_the_projects_image() {
    let folder = tempfile::tempdir().unwrap();
    let engine = folder.path().join("podman");
    let said = folder.path().join("said");
    let script = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$@\" > '{}'\nfor last; do :; done; ls -A \"$last\" >> '{}'\ncat >> '{}'\n",
        said.display(),
        said.display(),
        said.display()
    );
    std::fs::write(&engine, script).unwrap();
    std::fs::set_permissions(&engine, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let project = Project::new(&[]);
    let args = [
        "image", "build", "--engine", "podman", "--major", "18", "--", "--pull",
    ];
    project.edu_with(&args, &[("PATH", &path)]).expect(0);
    let said = std::fs::read_to_string(said).unwrap();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(
        lines[..12],
        [
            "build",
            "--format",
            "docker",
            "--file",
            "-",
            "--tag",
            "edu-postgres-age:18",
            "--build-arg",
            "PG_MAJOR=18",
            "--build-arg",
            "BASE=docker.io/library/postgres:18-trixie",
            "--pull"
        ]
    );
    // The context is empty; the Dockerfile came through standard input.
    assert!(
        lines[13].starts_with("# PostgreSQL with Apache AGE"),
        "{said}"
    );
}

#[test]
fn without_an_engine_one_is_named_to_install() {
    let nothing = tempfile::tempdir().unwrap();
    let path = nothing.path().display().to_string();
    let run = Project::new(&[]).edu_with(&["image", "build"], &[("PATH", &path)]);
    insta::assert_snapshot!(run.snapshot());
}
