//! `edu db bootstrap`.

use crate::support::{Project, Template, database};

#[test]
fn bootstrapping_twice_changes_nothing_the_second_time() {
    let db = database(Template::Bootstrapped);
    let run = db.edu(&["db", "bootstrap"]).expect(0);
    assert_eq!(run.stdout, "nothing to do\n");
}

#[test]
fn a_bootstrap_stands_in_the_audit_trail() {
    let db = database(Template::Bootstrapped);
    let told = db.one(
        "SELECT string_agg(DISTINCT concat_ws(' ', r.command, s.outcome, r.outcome), ', ')
         FROM edu.run_step s JOIN edu.run r ON r.id = s.run",
    );
    assert_eq!(told, "edu db bootstrap applied done");
    assert_eq!(
        db.one("SELECT count(*) FROM edu.migration"),
        db.one("SELECT count(*) FROM refinery_schema_history")
    );
}

#[test]
fn a_bootstrap_with_a_hazard_that_it_does_not_allow_is_refused() {
    let db = database(Template::Empty);
    db.run("CREATE TABLE old (i int); INSERT INTO old VALUES (1)");
    let project = Project::new(&[(
        "migrations/V1__a.sql",
        "-- edu: role superuser\nDROP TABLE old;",
    )]);
    let refused = project
        .edu(&["db", "bootstrap", "--url", &db.url()])
        .expect(8);
    assert!(refused.says("data-loss"), "{}", refused.stderr);
    assert_eq!(db.one("SELECT count(*) FROM old"), "1");
}

#[test]
fn bootstrapping_again_brings_back_what_was_lost() {
    let db = database(Template::Bootstrapped);
    db.run("DROP EXTENSION pgcrypto");
    let run = db.edu(&["db", "bootstrap"]).expect(0);
    assert!(run.says("run again"), "{}", run.stdout);
    assert_eq!(
        db.one("SELECT count(*) FROM pg_extension WHERE extname = 'pgcrypto'"),
        "1"
    );
}

#[test]
fn bootstrapping_makes_a_database_usable_on_a_server_that_preloads_age() {
    let db = database(Template::Bare);
    let project = Project::new(&[
        ("migrations/V1__a.sql", "CREATE TABLE a (a int);"),
        ("migrations/V2__b.sql", "DROP TABLE a;"),
    ]);
    project
        .edu(&["db", "bootstrap", "--url", &db.url()])
        .expect(0);
    project
        .edu(&["db", "migrate", "--url", &db.url()])
        .expect(0);
}

#[test]
fn the_printed_statements_do_the_whole_bootstrap() {
    let db = database(Template::Bare);
    let script = db.edu(&["db", "bootstrap", "--print-sql"]).expect(0).stdout;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &script).unwrap();
    let output = crate::support::runtime()
        .command("psql")
        .args(["-v", "ON_ERROR_STOP=1", "-q", "-f"])
        .arg(file.path())
        .args(["-d", &db.url()])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let run = db.edu(&["db", "bootstrap"]).expect(0);
    assert_eq!(run.stdout, "nothing to do\n");
}

#[test]
fn a_role_without_superuser_rights_is_told_what_a_superuser_must_do() {
    let db = database(Template::Bare);
    db.run("DO $$ BEGIN CREATE ROLE plain LOGIN; EXCEPTION WHEN duplicate_object THEN END $$");
    let run = crate::support::edu(
        &Project::root(),
        &["db", "bootstrap", "--url", &db.url_as("plain")],
    )
    .expect(8);
    assert!(
        run.says("role \"plain\" is not a superuser") && run.says("--print-sql"),
        "{}",
        run.stderr
    );
}
