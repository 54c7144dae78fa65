//! `edu db bootstrap`.

use crate::support::{Cut, Project, Proxy, Session, Template, database, start, tcp_server, until};

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
    db.run("DO $$ BEGIN CREATE ROLE plain LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN END $$");
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

/// A bootstrap that makes its owner, and a migration after it.
fn owned() -> Project {
    Project::new(&[
        (
            "edu.toml",
            "name = \"shop\"\n[roles]\nowner = \"boot_owner\"\n",
        ),
        (
            "migrations/V1__owner.sql",
            "-- edu: role superuser\n\
             DO $$ BEGIN CREATE ROLE boot_owner; EXCEPTION WHEN duplicate_object OR unique_violation THEN END $$;\n\
             DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO boot_owner', current_database()); END $$;\n\
             GRANT CREATE ON SCHEMA public TO boot_owner;",
        ),
        ("migrations/V2__a.sql", "CREATE TABLE a (i int);"),
    ])
}

#[test]
fn a_bootstrap_killed_before_its_row_in_the_audit_trail_is_told_by_status_and_noted_by_the_next_run()
 {
    let project = owned();
    let mut admin = Session::at(&tcp_server().url("postgres", "postgres"));
    let direct = tcp_server().url("booted", "postgres");
    let password = &tcp_server().password;
    let mut run = |cut: Cut, at: usize| {
        admin.run("DROP DATABASE IF EXISTS booted WITH (FORCE)");
        admin.run("CREATE DATABASE booted TEMPLATE template0");
        let proxy = Proxy::start(tcp_server().port, cut, at);
        let port = proxy.port;
        let url =
            format!("postgresql://postgres:{password}@127.0.0.1:{port}/booted?sslmode=disable");
        let running = start(project.path(), &["db", "bootstrap", "--url", &url], &[]);
        proxy.client(running.pid());
        running.wait();
        let seen = proxy.seen();
        drop(proxy);
        until("the server has noticed", || {
            admin.one("SELECT count(*) FROM pg_stat_activity WHERE datname = 'booted'") == "0"
        });
        seen
    };
    let messages = run(Cut::Never, 0);
    let status = |project: &Project| project.edu(&["db", "status", "--url", &direct]);
    let whole = status(&project).expect(0);
    assert!(!whole.says("not in the audit trail"), "{}", whole.stdout);
    // Where edu is when a message has passed differs a little from run to run: once it is before the commit, the
    // row was missed, and it begins anew.
    let mut first = messages;
    let mut killed_between = || {
        for _ in 0..10 {
            for at in (1..first).rev() {
                run(Cut::KillClient, at);
                let told = status(&project).expect(0);
                if told.says("1 applied") && told.says("not in the audit trail") {
                    first = messages.min(at + 4);
                    return;
                }
                if told.says("0 applied, 2 pending") {
                    break;
                }
                assert!(told.says("1 applied, 1 pending"), "{at}: {}", told.stdout);
            }
            first = messages;
        }
        panic!("no message lies between the commit and the audit row");
    };
    // Whichever comes next notes it, once.
    for next in ["bootstrap", "migrate"] {
        killed_between();
        for _ in 0..2 {
            project.edu(&["db", next, "--url", &direct]).expect(0);
        }
        project.edu(&["db", "migrate", "--url", &direct]).expect(0);
        let told = status(&project).expect(0);
        assert!(!told.says("not in the audit trail"), "{}", told.stdout);
        assert!(told.says("found applied by"), "{}", told.stdout);
        let mut booted = Session::at(&direct);
        assert_eq!(
            booted.one(
                "SELECT string_agg(version || ' ' || outcome, ', ' ORDER BY id) FROM edu.run_step"
            ),
            "1 found, 2 applied",
            "{next}"
        );
    }
    let mut admin = Session::at(&tcp_server().url("postgres", "postgres"));
    admin.run("DROP DATABASE booted WITH (FORCE)");
}
