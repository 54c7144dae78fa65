//! A password stays where it was given.

use std::fs;
use std::path::Path;

use crate::support::{
    Cut, Project, Proxy, Run, Session, Template, database, migrations, server, tcp_server,
};

const CANARY: &str = "c4nary-p4ssw0rd";

/// What speaks to a server and is not in the first test, with the options that write most.
const COMMANDS: &[&str] = &[
    "db rollback --yes",
    "db baseline 1",
    "db baseline 1 --unverified",
    "db plan --output json --out plan.json",
    "db import-history --from sqlx",
    "db lock --break --yes",
    "db index status --output json",
    "db index build",
    "db index rebuild",
    "db index advise",
    "db graph verify",
    "db rls --output json=rls.json",
    "db rls matrix",
    "db rls init",
    "db fingerprint --output json",
    "db verify --output json=a.json --output junit=a.xml --output sarif=a.sarif --output github",
    "db backup --dir backups --output json",
    "db backup base --dir base",
    "db introspect introspected",
    "db maintain --output json",
    "db top --output json",
    "db push",
    "db seed",
    "testdb create --output json",
    "testdb list --output json",
    "testdb run -- true",
    "testdb gc --output json",
];

/// Runs a line of [`COMMANDS`] on `url`.
fn run(project: &Project, line: &str, url: &str) -> Run {
    project.edu(&on(line, url))
}

/// The words of a line with the URL before what `--` hands on.
fn on<'a>(line: &'a str, url: &'a str) -> Vec<&'a str> {
    let (own, rest) = line.split_once(" -- ").unwrap_or((line, ""));
    let mut words: Vec<&str> = own.split(' ').collect();
    words.extend(["--url", url]);
    if !rest.is_empty() {
        words.push("--");
        words.extend(rest.split(' '));
    }
    words
}

/// Whether a command has nothing to ask a server in a project without indexes, graph and seeds.
fn may_be_idle(line: &str) -> bool {
    ["db index", "db graph", "db seed", "db rls"]
        .iter()
        .any(|idle| line.starts_with(idle))
}

/// Fails when one of `secrets` stands in the output, or in a file of the project.
#[track_caller]
fn silent(what: &str, run: &Run, project: &Project, secrets: &[&str]) {
    assert_ne!(run.code, 70, "{what}: {}", run.stderr);
    for secret in secrets {
        assert!(!run.says(secret), "{what}: {}{}", run.stdout, run.stderr);
        if let Some(file) = holds(project.path(), secret) {
            panic!("{what}: {file}");
        }
    }
}

/// The first file below `folder` in which `secret` stands.
fn holds(folder: &Path, secret: &str) -> Option<String> {
    fs::read_dir(folder).expect("a folder").find_map(|entry| {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            return holds(&path, secret);
        }
        let bytes = fs::read(&path).unwrap_or_default();
        let found = bytes
            .windows(secret.len())
            .any(|window| window == secret.as_bytes());
        found.then(|| path.display().to_string())
    })
}

#[test]
fn a_password_appears_in_no_failure() {
    let port = tcp_server().port;
    let project = migrations(&["CREATE TABLE a (i int);\nSELECT 1 / 0;"]);
    let cut = Proxy::start(port, Cut::ResetAfter, 6);
    let right = &tcp_server().password;
    let urls = [
        format!("postgresql://postgres:{CANARY}@127.0.0.1:{port}/postgres?sslmode=disable"),
        format!("postgresql://nobody:{CANARY}@127.0.0.1:{port}/nothing"),
        format!("postgresql://postgres:{CANARY}@127.0.0.1:1/postgres"),
        format!("postgresql://postgres:{CANARY}@no.such.host.invalid/postgres"),
        format!("postgresql://postgres:{CANARY}@127.0.0.1:{port}/postgres?sslmode=verify-full"),
        format!("postgresql://postgres:{CANARY}@127.0.0.1:{port}/postgres?sslmode={CANARY}"),
        format!("mysql://postgres:{CANARY}@127.0.0.1/postgres"),
        format!("postgresql://postgres:{CANARY}%zz@[/postgres"),
        format!(
            "postgresql://postgres:{right}@127.0.0.1:{}/postgres?sslmode=disable",
            cut.port
        ),
        format!("postgresql://postgres:{right}@127.0.0.1:{port}/no_such_database"),
    ];
    for command in ["migrate", "status", "lock", "repair", "bootstrap"] {
        for url in &urls {
            let flag = project.edu(&["db", command, "--url", url]);
            let variable = project.edu_with(&["db", command], &[("DATABASE_URL", url)]);
            for run in [flag, variable] {
                for secret in [CANARY, right] {
                    assert!(
                        !run.says(secret),
                        "{command} {url}: {}{}",
                        run.stdout,
                        run.stderr
                    );
                }
                assert_ne!(run.code, 70, "{}", run.stderr);
            }
        }
    }
}

#[test]
fn a_password_appears_in_no_failure_to_connect_of_any_command() {
    let port = tcp_server().port;
    let project = migrations(&["CREATE TABLE a (i int);"]);
    let elsewhere = tempfile::tempdir().expect("a folder");
    let passes = elsewhere.path().join("pgpass");
    fs::write(&passes, format!("*:*:*:*:{CANARY}\n")).expect("the file");
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(&passes, private).expect("its mode");
    let (port, passes) = (port.to_string(), passes.display().to_string());
    let place = [
        ("PGHOST", "127.0.0.1"),
        ("PGPORT", port.as_str()),
        ("PGUSER", "postgres"),
        ("PGDATABASE", "postgres"),
    ];
    let wrong = format!("postgresql://postgres:{CANARY}@127.0.0.1:{port}/postgres");
    let gone = format!("postgresql://postgres:{CANARY}@127.0.0.1:1/postgres");
    let none = format!("postgres://postgres:{CANARY}%zz@[/postgres");
    for line in COMMANDS {
        for url in [&wrong, &gone, &none] {
            let run = run(&project, line, url);
            // Without a declared index or graph nobody is asked.
            let idle = run.code == 0 && may_be_idle(line);
            assert!(
                idle || matches!(run.code, 2 | 7 | 8),
                "{line} {url}: {}: {}",
                run.code,
                run.stderr
            );
            silent(line, &run, &project, &[CANARY]);
        }
        let own = line.split_once(" -- ").map_or(*line, |(own, _)| own);
        let mut words: Vec<&str> = own.split(' ').collect();
        if own != *line {
            words.extend(["--", "true"]);
        }
        for secret in [("PGPASSWORD", CANARY), ("PGPASSFILE", passes.as_str())] {
            let run = project.edu_with(&words, &[&place[..], &[secret]].concat());
            let idle = run.code == 0 && may_be_idle(line);
            let told = match run.code {
                7 => run.says("did not accept the password"),
                // There are no seeds and nothing declares who may do what, and that is said first.
                2 => line.starts_with("db rls") || *line == "db seed",
                // Not a server of edu's own, and that too.
                8 => *line == "db push",
                _ => false,
            };
            assert!(
                idle || told,
                "{line} {}: {}: {}",
                secret.0,
                run.code,
                run.stderr
            );
            silent(line, &run, &project, &[CANARY]);
        }
    }
}

#[test]
fn a_password_in_a_service_file_appears_in_no_failure() {
    let project = migrations(&["CREATE TABLE a (i int);"]);
    let elsewhere = tempfile::tempdir().expect("a folder");
    let services = elsewhere.path().join("pg_service.conf");
    let port = tcp_server().port.to_string();
    let text = format!(
        "[shop]\nhost=127.0.0.1\nport={port}\nuser=postgres\ndbname=postgres\npassword={CANARY}\n"
    );
    fs::write(&services, text).expect("the file");
    let services = services.display().to_string();
    let environment = [
        ("PGSERVICEFILE", services.as_str()),
        ("PGSERVICE", "shop"),
        ("PGHOST", "127.0.0.1"),
        ("PGPORT", port.as_str()),
        ("PGUSER", "postgres"),
        ("PGDATABASE", "postgres"),
    ];
    for line in [
        "db migrate",
        "db status --output json",
        "db plan --output json --out plan.json",
        "db backup --dir backups --output json",
        "db backup base --dir base",
        "testdb list --output json",
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let run = project.edu_with(&words, &environment);
        assert_eq!(run.code, 7, "{line}: {}", run.stderr);
        silent(line, &run, &project, &[CANARY]);
    }
}

#[test]
fn a_password_in_the_wrong_place_of_the_command_line_is_not_repeated() {
    let project = migrations(&[]);
    let url = format!("postgresql://a:{CANARY}@db.example/x");
    for words in [
        &["db", "migrate", &url][..],
        &["db", "migrate", "--lock-timeout", &url],
        &["db", "plan", "--output", &url],
        &["db", "backup", "verify", &url],
        &["db", "diff", &url, "--output", &url],
        &["db", "diff", &url, "spec"],
        &["db", &url],
        &["db", "status", &format!("--ulr={url}")],
        &["db", "status", &format!("host=h password={CANARY}")],
        &[
            "db",
            "status",
            "--url",
            &format!("host=h password={CANARY}"),
        ],
        &["testdb", "drop", &url],
        &["db", "plan", "--scratch-url", &format!("x{url}")],
    ] {
        let run = project.edu(words);
        assert_ne!(run.code, 0, "{words:?}: {}", run.stdout);
        silent(&words.join(" "), &run, &project, &[CANARY]);
    }
    let told = project.edu(&["db", "migrate", &url]).expect(2);
    assert!(
        told.says("'postgresql://a:…@db.example/x'"),
        "{}",
        told.stderr
    );
}

#[test]
fn a_password_appears_in_no_answer_report_or_file_of_what_works() {
    let db = database(Template::Seeded);
    let project = Project::copy_of_root();
    // The socket asks for no password: the one in the URL is edu's to keep to itself.
    let url = with_password(&db.url());
    let scratch = with_password(&server().url("postgres", "postgres"));
    let mut worked = 0;
    for line in COMMANDS {
        let line = match *line {
            "db baseline 1" => format!("db baseline 1 --scratch-url {scratch}"),
            line if line.starts_with("db plan") || line.starts_with("db verify") => {
                format!("{line} --scratch-url {scratch}")
            }
            "db rollback --yes" => "db rollback --dry-run".to_owned(),
            // A server of its own, and minutes: tests/it/backup.rs.
            "db backup base --dir base" => continue,
            line if line.starts_with("testdb") => continue,
            line => line.to_owned(),
        };
        let run = run(&project, &line, &url);
        worked += usize::from(run.code < 2);
        silent(&line, &run, &project, &[CANARY]);
    }
    assert!(worked > 12, "only {worked} commands worked");
    for file in [
        "plan.json",
        "rls.json",
        "a.json",
        "a.xml",
        "a.sarif",
        "backups",
    ] {
        assert!(project.path().join(file).exists(), "{file} was not written");
    }
    let dump = fs::read_dir(project.path().join("backups"))
        .expect("the backups")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.extension().is_some_and(|end| end == "dump"))
        .expect("a dump");
    for as_what in ["-l", "-f-"] {
        let told = crate::support::runtime()
            .command("pg_restore")
            .arg(as_what)
            .arg(&dump)
            .output()
            .expect("pg_restore");
        assert!(told.status.success() && !told.stdout.is_empty());
        let text = String::from_utf8_lossy(&told.stdout);
        assert!(!text.contains(CANARY), "the dump holds the password");
    }
    let list = project.edu(&[
        "db", "backup", "list", "--dir", "backups", "--output", "json",
    ]);
    silent("db backup list", &list.expect(0), &project, &[CANARY]);
}

#[test]
fn a_password_appears_in_no_test_databases_url_comment_or_file_unless_asked_for() {
    let project = Project::new(&[
        ("edu.toml", "name = \"secretive\"\n"),
        ("migrations/V1__a.sql", "CREATE TABLE a (i int);"),
        ("spec/schema/a.sql", "CREATE TABLE a (i int);"),
    ]);
    let url = with_password(&server().url("postgres", "postgres"));
    let mut admin = Session::at(&server().url("postgres", "postgres"));
    for line in [
        "testdb create --no-seed --output json",
        "testdb create --no-seed",
        "testdb list --output json",
        "testdb run --no-seed -- true",
        "testdb run --no-seed -- false",
        "testdb gc --output json",
    ] {
        let run = run(&project, line, &url);
        assert!(run.code < 2, "{line}: {}", run.stderr);
        silent(line, &run, &project, &[CANARY]);
        let comments = admin.rows("SELECT description FROM pg_shdescription");
        assert!(
            !format!("{comments:?}").contains(CANARY),
            "{line}: {comments:?}"
        );
    }
    let asked = run(&project, "testdb create --no-seed --show-password", &url);
    assert!(asked.says(CANARY), "{}", asked.stdout);
    run(&project, "testdb drop --all --yes", &url);
    let left = "SELECT count(*) FROM pg_database WHERE datname LIKE 'edu\\_test\\_secretive%'";
    for name in
        admin.rows("SELECT datname FROM pg_database WHERE datname LIKE 'edu\\_%\\_secretive\\_%'")
    {
        admin.run(&format!(
            "ALTER DATABASE \"{0}\" IS_TEMPLATE false",
            name[0]
        ));
        admin.run(&format!("DROP DATABASE \"{}\" WITH (FORCE)", name[0]));
    }
    assert_eq!(admin.one(left), "0");
}

#[test]
fn a_password_appears_nowhere_when_the_server_goes_the_lock_is_lost_or_a_statement_fails() {
    let mut admin = Session::at(&tcp_server().url("postgres", "postgres"));
    let right = tcp_server().password.clone();
    let direct = |port: u16| {
        format!("postgresql://postgres:{right}@127.0.0.1:{port}/secrets?sslmode=disable")
    };
    let project = migrations(&["CREATE TABLE a (i int);"]);
    project.write("migrations/V0001__step.down.sql", "DROP TABLE a;");
    let fresh = |admin: &mut Session| {
        admin.run("DROP DATABASE IF EXISTS secrets WITH (FORCE)");
        admin.run("CREATE DATABASE secrets TEMPLATE template0");
        project
            .edu(&["db", "migrate", "--url", &direct(tcp_server().port)])
            .expect(0);
    };
    for (line, at) in COMMANDS.iter().zip([12, 24, 48].into_iter().cycle()) {
        fresh(&mut admin);
        let cut = Proxy::start(tcp_server().port, Cut::ResetAfter, at);
        let run = run(&project, line, &direct(cut.port));
        silent(&format!("{line}, cut at {at}"), &run, &project, &[&right]);
    }
    let url = direct(tcp_server().port);
    for (text, code) in [
        ("SELECT 'quoted' FROM no_such_table;", 5),
        (
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database());\nSELECT pg_sleep(20);",
            6,
        ),
        ("SELECT pg_terminate_backend(pg_backend_pid());", 7),
    ] {
        fresh(&mut admin);
        for (file, command) in [
            ("migrations/V0002__bad.sql", "db migrate"),
            ("migrations/V0001__step.down.sql", "db rollback"),
        ] {
            project.write(file, text);
            let run = run(&project, command, &url);
            assert!(
                run.code == code || matches!(run.code, 6 | 7),
                "{command} {text}: {}: {}",
                run.code,
                run.stderr
            );
            silent(command, &run, &project, &[&right]);
            if file.contains("V0002") {
                fs::remove_file(project.path().join(file)).expect("the file");
            }
        }
        let mut here = Session::at(&url);
        let audit =
            here.rows("SELECT r::text FROM edu.run r UNION ALL SELECT s::text FROM edu.run_step s");
        assert!(
            audit.len() >= 2 && !format!("{audit:?}").contains(&right),
            "{audit:?}"
        );
        project.write("migrations/V0001__step.down.sql", "DROP TABLE a;");
    }
    admin.run("DROP DATABASE secrets WITH (FORCE)");
}

#[test]
fn a_password_in_a_statement_is_shown_neither_by_the_plan_nor_by_the_lock() {
    let mut admin = Session::at(&tcp_server().url("postgres", "postgres"));
    admin.run("DROP DATABASE IF EXISTS told WITH (FORCE)");
    admin.run("CREATE DATABASE told TEMPLATE template0");
    let url = tcp_server().url("told", "postgres");
    let text = format!("-- edu: no-transaction\nSELECT pg_sleep(60) /* PASSWORD '{CANARY}' */;");
    let project = migrations(&[&text]);
    for line in ["db plan", "db plan --output json"] {
        let run = run(&project, line, &url);
        assert!(run.says("pg_sleep"), "{}", run.stdout);
        assert!(!run.says(CANARY), "{}", run.stdout);
    }
    let running = crate::support::start(project.path(), &["db", "migrate", "--url", &url], &[]);
    crate::support::until("the statement runs", || {
        admin.one("SELECT count(*) FROM pg_stat_activity WHERE datname = 'told' AND wait_event = 'PgSleep'") == "1"
    });
    for line in [
        "db lock",
        "db lock --output json",
        "db status",
        "db status --output json",
        "db migrate --lock-timeout 1s",
    ] {
        let run = run(&project, line, &url);
        assert!(
            line.contains("json") || run.says("pg_sleep"),
            "{line}: {}{}",
            run.stdout,
            run.stderr
        );
        assert!(!run.says(CANARY), "{line}: {}{}", run.stdout, run.stderr);
    }
    running.signal("INT");
    running.wait();
    admin.run("DROP DATABASE told WITH (FORCE)");
}

/// A URL of the tests' socket with a password in it.
fn with_password(url: &str) -> String {
    let with = url.replacen("postgres@", &format!("postgres:{CANARY}@"), 1);
    assert!(with.contains(CANARY), "{url}");
    with
}
