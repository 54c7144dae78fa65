//! What edu says to a stranger who got something wrong: stdout, stderr and exit in one text each.

use std::path::Path;
use std::sync::OnceLock;

use edu::server::Ephemeral;
use edu::server::ephemeral::Options;

use crate::support::{
    Database, Plain, Project, Run, Template, database, edu, own_server, runtime, server,
};

/// A run as a snapshot in which `names` have become their placeholders.
fn told(run: &Run, names: &[(&str, &str)]) -> String {
    names
        .iter()
        .fold(run.snapshot(), |text, (name, placeholder)| {
            text.replace(name, placeholder)
        })
}

/// What a run on a test's database says, without the database's changing names.
fn told_of(run: &Run, db: &Database) -> String {
    let sockets = format!("{}:{}", server().sockets().display(), server().port);
    told(run, &[(&db.name, "[database]"), (&sockets, "[server]")])
}

/// A project that says only what it is called, and `more`.
fn shop(more: &str) -> Project {
    Project::new(&[("edu.toml", &format!("name = \"shop\"\n{more}"))])
}

#[test]
fn outside_a_project_edu_says_where_it_looked() {
    let nowhere = tempfile::tempdir().unwrap();
    let place = nowhere.path().display().to_string();
    for args in [&["up"][..], &["db", "status"], &["server", "status"]] {
        let run = edu(nowhere.path(), args);
        insta::assert_snapshot!("outside_a_project", told(&run, &[(&place, "[folder]")]));
    }
}

#[test]
fn an_unknown_key_is_shown_with_the_nearest_known_one() {
    let project = shop("\n[rolse]\nowner = \"x\"\n");
    insta::assert_snapshot!(told(&project.edu(&["db", "status"]), &[]));
}

#[test]
fn a_wrong_type_is_shown_with_file_line_and_column() {
    let project = shop("\n[server]\nmajor = \"17\"   # Größe\n");
    insta::assert_snapshot!(told(&project.edu(&["up"]), &[]));
}

#[test]
fn a_range_that_is_none_is_shown_in_its_place() {
    let project = shop("\n[extensions]\nvector = \">=zero\"\n");
    insta::assert_snapshot!(told(&project.edu(&["db", "bootstrap"]), &[]));
}

#[test]
fn an_unreachable_server_is_named_without_its_password() {
    let url = "postgresql://deploy:s3cret@127.0.0.1:1/shop";
    let run = shop("").edu(&["db", "status", "--url", url]);
    insta::assert_snapshot!(told(&run, &[]));
}

#[test]
fn a_text_that_is_no_url_is_not_repeated() {
    for url in ["mysql://deploy:s3cret@db/shop", "deploy:s3cret@db/shop"] {
        let run = shop("").edu_with(&["db", "status"], &[("DATABASE_URL", url)]);
        insta::assert_snapshot!("a_text_that_is_no_url", told(&run, &[]));
    }
}

/// A server that asks for passwords over TCP.
fn tcp_server() -> &'static Ephemeral {
    static SERVER: OnceLock<Ephemeral> = OnceLock::new();
    SERVER.get_or_init(|| {
        let listen = ("listen_addresses".to_owned(), "127.0.0.1".to_owned());
        let options = Options {
            settings: vec![listen],
            ..Options::default()
        };
        let guard = Path::new(env!("CARGO_BIN_EXE_edu"));
        Ephemeral::start(runtime(), guard, &options).unwrap()
    })
}

#[test]
fn a_wrong_password_is_named_as_such_and_never_echoed() {
    let server = tcp_server();
    let url = server.tcp_url("postgres", "postgres", Some("wrong-s3cret"));
    let port = server.port.to_string();
    let run = shop("").edu(&["db", "status", "--url", &url]);
    assert!(!run.says("s3cret"));
    insta::assert_snapshot!(told(&run, &[(&port, "[port]")]));

    let right = server.tcp_url("postgres", "postgres", Some(&server.password));
    shop("").edu(&["db", "status", "--url", &right]).expect(0);
}

#[test]
fn a_missing_database_is_offered_to_be_created() {
    let db = database(Template::Bare);
    let url = db.url().replace(&db.name, "nowhere");
    let sockets = format!("{}:{}", server().sockets().display(), server().port);
    let names = [(sockets.as_str(), "[server]")];
    for args in [&["db", "status"], &["db", "migrate"], &["db", "bootstrap"]] {
        let run = shop("").edu(&[args, &["--url", &url][..]].concat());
        insta::assert_snapshot!("a_missing_database", told(&run, &names));
    }
}

#[test]
fn an_extension_that_the_server_lacks_is_named_with_package_and_image() {
    let db = database(Template::Bare);
    let project = shop("\n[extensions]\nhll = \">=2\"\n");
    let run = project.edu(&["db", "bootstrap", "--url", &db.url()]);
    let major = crate::support::major().to_string();
    let told = told_of(&run, &db).replace(&major, "[major]");
    insta::assert_snapshot!(told);
}

#[test]
fn an_extension_that_is_too_old_is_named_with_both_versions() {
    let db = database(Template::Bare);
    let project = shop("\n[extensions]\nplpgsql = \">=99\"\n");
    let run = project.edu(&["db", "bootstrap", "--url", &db.url()]);
    insta::assert_snapshot!("an_extension_that_is_too_old", told_of(&run, &db));
}

#[test]
fn without_a_superuser_bootstrap_lists_what_one_must_do_and_then_is_content() {
    let server = own_server();
    let psql = |more: &[&str]| {
        let mut psql = runtime().command("psql");
        psql.args([
            "-X",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            &server.url("postgres", "postgres"),
        ]);
        let output = psql.args(more).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
    };
    psql(&["-c", "CREATE ROLE deploy LOGIN"]);
    let url = server.url("postgres", "deploy");
    let bootstrap = ["db", "bootstrap", "--url", &url];
    let run = edu(&Project::root(), &bootstrap);
    let text = run.snapshot();
    let text: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("database: "))
        .collect();
    insta::assert_snapshot!(text.join("\n"));

    let script = edu(&Project::root(), &["db", "bootstrap", "--print-sql"]).expect(0);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bootstrap.sql");
    std::fs::write(&file, script.stdout).unwrap();
    psql(&["-f", file.to_str().unwrap()]);

    psql(&["-c", "GRANT edusphere_owner TO deploy"]);
    let run = edu(&Project::root(), &bootstrap).expect(0);
    assert_eq!(run.stdout, "nothing to do\n");
    edu(&Project::root(), &["db", "migrate", "--url", &url]).expect(0);
}

#[test]
fn a_server_that_is_too_old_is_refused_by_its_major() {
    let Some(old) = Plain::installed("/usr/lib/postgresql/15/bin") else {
        skipped("there is no PostgreSQL 15 in /usr/lib/postgresql");
        return;
    };
    let url = old.url("postgres");
    let run = shop("").edu(&["db", "status", "--url", &url]);
    insta::assert_snapshot!(told(&run, &[(&old.folder(), "[folder]")]));
}

#[test]
fn a_standby_is_asked_for_its_primary() {
    let standby = Plain::standby();
    let url = standby.url("postgres");
    let names = [(standby.folder(), "[folder]")];
    let names: Vec<(&str, &str)> = names.iter().map(|(a, b)| (a.as_str(), *b)).collect();
    for args in [&["db", "migrate"], &["db", "bootstrap"], &["db", "index"]] {
        let run = edu(&Project::root(), &[args, &["--url", &url][..]].concat());
        insta::assert_snapshot!("a_standby", told(&run, &names));
    }
}

#[test]
fn a_role_that_may_not_write_is_told_so() {
    let db = database(Template::Bootstrapped);
    db.run(&format!(
        "ALTER DATABASE {} SET default_transaction_read_only = on",
        db.name
    ));
    insta::assert_snapshot!(told_of(&db.edu(&["db", "migrate"]), &db));
}

#[test]
fn a_mistyped_command_is_answered_with_the_nearest_one() {
    insta::assert_snapshot!(told(&shop("").edu(&["db", "stauts"]), &[]));
}

#[expect(clippy::print_stderr, reason = "a skipped test says so loudly")]
fn skipped(why: &str) {
    eprintln!("SKIPPED: {why}");
}
