//! Schemas that are not this repository's, through edu and back: introspected, made anew, dumped and
//! restored. Each has a server of its own, because roles belong to a whole server.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use edu::server::Ephemeral;

use crate::support::{Project, Session, edu, own_server, runtime};

/// A database that has what a file of `tests/roundtrip` makes.
fn made(server: &Ephemeral, file: &str) -> String {
    let url = server.url("found", "postgres");
    Session::at(&server.url("postgres", "postgres"))
        .run("CREATE DATABASE found TEMPLATE template0");
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/roundtrip")
        .join(file);
    // A server that preloads AGE wants the extension before any other statement.
    let mut session = Session::at(&url);
    session.run("CREATE EXTENSION age");
    session.run(&fs::read_to_string(path).unwrap());
    url
}

fn fingerprint(folder: &Path, url: &str) -> String {
    let run = edu(folder, &["db", "fingerprint", "--url", url]).expect(0);
    run.stdout.trim().to_owned()
}

/// Introspects `file`'s database, verifies it against what was written, and makes it anew elsewhere.
fn comes_back(file: &str) {
    let server = own_server();
    let url = made(&server, file);
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("project");
    let target = project.to_str().unwrap();
    let run = edu(
        &Project::root(),
        &["db", "introspect", target, "--url", &url],
    )
    .expect(0);
    assert!(!run.says("not described"), "{}", run.stderr);
    let run = edu(&project, &["db", "verify", "--url", &url]).expect(0);
    assert!(run.says("no differences"), "{}", run.stdout);

    let fresh = own_server();
    let anew = fresh.url("anew", "postgres");
    for step in [&["bootstrap", "--create"][..], &["migrate"]] {
        edu(&project, &[&["db"], step, &["--url", &anew]].concat()).expect(0);
    }
    let run = edu(&project, &["db", "verify", "--url", &anew]).expect(0);
    assert!(run.says("no differences"), "{}", run.stdout);
    assert_eq!(fingerprint(&project, &anew), fingerprint(&project, &url));
}

/// Dumps `file`'s database whole and restores it on another server that has its roles.
fn survives_a_dump(file: &str) {
    let server = own_server();
    let url = made(&server, file);
    let before = fingerprint(&Project::root(), &url);
    let other = own_server();
    let admin = other.url("postgres", "postgres");
    let roles = run(&[
        "pg_dumpall",
        "--roles-only",
        "--dbname",
        &server.url("postgres", "postgres"),
    ]);
    load(&admin, &roles.replace("CREATE ROLE postgres;", ""));
    let dump = run(&["pg_dump", "--create", &url]);
    load(&admin, &dump);
    let after = fingerprint(&Project::root(), &other.url("found", "postgres"));
    assert_eq!(before, after);
}

fn run(words: &[&str]) -> String {
    let done = runtime()
        .command(words[0])
        .args(&words[1..])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{}: {said}", words[0]);
    String::from_utf8(done.stdout).unwrap()
}

fn load(url: &str, sql: &str) {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), sql).unwrap();
    let done = runtime()
        .command("psql")
        .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-f"])
        .arg(file.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{said}");
}

#[test]
fn a_film_rental_comes_back_from_its_introspection() {
    comes_back("rental.sql");
}

#[test]
fn a_news_desk_comes_back_from_its_introspection() {
    comes_back("press.sql");
}

#[test]
fn a_film_rental_keeps_its_fingerprint_through_a_dump() {
    survives_a_dump("rental.sql");
}

#[test]
fn a_news_desk_keeps_its_fingerprint_through_a_dump() {
    survives_a_dump("press.sql");
}

#[test]
#[ignore = "needs schemas from packages; run with: just foreign-schemas"]
fn schemas_of_other_peoples_making_come_back_whole() {
    let files = std::env::var("EDU_FOREIGN_SCHEMAS").unwrap();
    for file in files.split(':') {
        comes_back(file);
        survives_a_dump(file);
    }
}
