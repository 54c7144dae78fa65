//! Test databases: made from a template, leased, dropped, and collected however their user ended.

use std::path::Path;
use std::time::Duration;

use edu::testdb::{Options, Place, Seeds};

use crate::support::{
    Project, Run, Session, Template, command, database, own_server, server, start, until,
};

/// A project of its own name, so that no other test's databases are its own.
fn project(name: &str) -> Project {
    let manifest = format!("name = \"{name}\"\n");
    Project::new(&[
        ("edu.toml", manifest.as_str()),
        (
            "migrations/V0001__note.sql",
            "CREATE TABLE note (id int PRIMARY KEY, body text NOT NULL);",
        ),
        (
            "spec/schema/note.sql",
            "CREATE TABLE note (id int PRIMARY KEY, body text NOT NULL);",
        ),
        (
            "seeds/dev/note.toml",
            "[[table]]\nname = \"public.note\"\nas = \"owner\"\nkey = [\"id\"]\n\
             [[table.row]]\nid = 1\nbody = \"a\"\n[[table.row]]\nid = 2\nbody = \"b\"\n",
        ),
    ])
}

fn admin() -> Session {
    Session::at(&server().url("postgres", "postgres"))
}

/// The databases of `project` that are there, clones and templates.
fn there(project: &str) -> Vec<String> {
    let sql = format!(
        "SELECT datname FROM pg_database
         WHERE datname LIKE 'edu\\_test\\_{project}\\_%' OR datname LIKE 'edu\\_template\\_{project}\\_%'
         ORDER BY 1"
    );
    let rows = admin().rows(&sql);
    rows.into_iter().map(|row| row[0].clone()).collect()
}

fn clones(project: &str) -> Vec<String> {
    let mut there = there(project);
    there.retain(|name| name.starts_with("edu_test_"));
    there
}

/// Runs `edu testdb …` on the tests' server.
fn testdb(project: &Project, args: &[&str]) -> Run {
    let url = server().url("postgres", "postgres");
    let (verb, rest) = args.split_first().unwrap();
    project.edu(&[&["testdb", verb, "--url", &url], rest].concat())
}

fn lines(run: &Run) -> Vec<String> {
    run.stdout.lines().map(str::to_owned).collect()
}

/// Drops what a test leaves, templates included.
fn clean(project: &Project, name: &str) {
    testdb(project, &["drop", "--all", "--force"]).expect(0);
    for template in there(name) {
        testdb(project, &["drop", &template]).expect(0);
    }
    assert_eq!(there(name), Vec::<String>::new());
}

#[test]
fn a_copy_of_the_whole_project_is_migrated_seeded_verified_and_complete() {
    let original = database(Template::Seeded);
    let root = Project::root();
    let url = original.url();
    let edu = |args: &[&str]| crate::support::edu(&root, args);
    let made = edu(&["testdb", "create", "--url", &url]).expect(0);
    let copy = made.stdout.trim().to_owned();
    let name = copy.split("/edu_test").nth(1).unwrap();
    let name = format!("edu_test{}", name.split('?').next().unwrap());

    edu(&["db", "verify", "--url", &copy]).expect(0);
    assert_eq!(
        edu(&["db", "migrate", "--url", &copy]).expect(0).stdout,
        "nothing to do\n"
    );
    assert!(
        edu(&["db", "seed", "--url", &copy])
            .expect(0)
            .says("nothing to do")
    );
    // AGE finds a graph by the number of its schema.
    let wrong = "SELECT count(*) FROM ag_catalog.ag_graph WHERE graphid <> namespace::oid";
    assert_eq!(Session::at(&copy).one(wrong), "0");
    let graphs = "SELECT count(*) FROM ag_catalog.ag_graph";
    assert_eq!(Session::at(&copy).one(graphs), original.one(graphs));

    // What CREATE DATABASE … TEMPLATE leaves behind: settings and privileges of the database.
    let settings = |database: &str| {
        admin().rows(&format!(
            "SELECT setrole::regrole, setconfig FROM pg_db_role_setting s
             JOIN pg_database d ON d.oid = s.setdatabase WHERE datname = '{database}' ORDER BY 1"
        ))
    };
    let privileges = |database: &str| {
        admin().rows(&format!(
            "SELECT a.grantee::regrole, a.privilege_type, a.is_grantable
             FROM pg_database d, aclexplode(d.datacl) a WHERE datname = '{database}' ORDER BY 1, 2"
        ))
    };
    assert!(!settings(&original.name).is_empty());
    assert_eq!(settings(&name), settings(&original.name));
    assert_eq!(privileges(&name), privileges(&original.name));
    edu(&["testdb", "drop", "--url", &url, &name]).expect(0);
}

#[test]
fn fifty_requests_at_once_build_one_template_and_get_fifty_databases() {
    let project = project("fifty");
    let url = server().url("postgres", "postgres");
    let args = ["testdb", "create", "--url", &url];
    let running: Vec<_> = (0..50).map(|_| start(project.path(), &args, &[])).collect();
    let mut urls = Vec::new();
    let mut built = 0;
    for one in running {
        let run = one.wait().expect(0);
        built += usize::from(run.stderr.contains("building the template"));
        urls.extend(lines(&run));
    }
    assert_eq!(built, 1, "the template was built more than once");
    urls.sort();
    urls.dedup();
    assert_eq!(urls.len(), 50);
    assert_eq!(there("fifty").len(), 51);
    for url in [&urls[0], &urls[49]] {
        assert_eq!(Session::at(url).one("SELECT count(*) FROM note"), "2");
    }
    clean(&project, "fifty");
}

#[test]
fn a_command_gets_a_database_of_its_own_and_its_exit_code_is_passed_on() {
    let project = project("passon");
    let sql = "SELECT current_database(), (SELECT count(*) FROM note)";
    let psql = crate::support::runtime().bin.join("psql");
    let psql = psql.to_str().unwrap();
    let run = testdb(&project, &["run", "--", psql, "-XAtc", sql]).expect(0);
    let name = run
        .stdout
        .trim()
        .strip_suffix("|2")
        .expect("two rows")
        .to_owned();
    assert!(name.starts_with("edu_test_passon_"));
    assert_eq!(clones("passon"), Vec::<String>::new());

    let script = "echo $DATABASE_URL; echo $EDU_DATABASE_URL; exit 7";
    let run = testdb(&project, &["run", "--", "sh", "-c", script]).expect(7);
    let urls = lines(&run);
    assert_eq!(urls[0], urls[1]);
    let kept = clones("passon");
    assert_eq!(kept.len(), 1);
    assert!(run.stderr.contains(&kept[0]) && urls[0].contains(&kept[0]));
    assert_eq!(Session::at(&urls[0]).one("SELECT count(*) FROM note"), "2");
    // Kept for an hour: nobody's leftover yet.
    assert!(
        testdb(&project, &["gc"])
            .expect(0)
            .says("nothing is left over")
    );

    testdb(&project, &["run", "--keep", "0s", "--", "false"]).expect(1);
    testdb(&project, &["run", "--", "sh", "-c", "kill -USR1 $$"]).expect(128 + 10);
    assert_eq!(clones("passon").len(), 2);
    let missing = testdb(&project, &["run", "--", "no-such-program"]).expect(2);
    assert!(missing.says("no-such-program") && missing.says("dropped again"));
    assert_eq!(clones("passon").len(), 2);
    clean(&project, "passon");
}

#[test]
fn ctrl_c_and_sigterm_reach_the_command_and_its_database_is_dropped() {
    let project = project("signals");
    let url = server().url("postgres", "postgres");
    let script = "trap 'exit 3' INT TERM; touch ready; while :; do sleep 0.02; done";
    for signal in ["INT", "TERM"] {
        let ready = project.path().join("ready");
        let args = ["testdb", "run", "--url", &url, "--", "sh", "-c", script];
        let running = start(project.path(), &args, &[]);
        until("the command runs", || ready.exists());
        assert_eq!(clones("signals").len(), 1);
        running.signal(signal);
        running.wait().expect(3);
        assert_eq!(clones("signals"), Vec::<String>::new());
        std::fs::remove_file(ready).unwrap();
    }
    clean(&project, "signals");
}

#[test]
fn a_template_that_is_interrupted_while_it_is_built_is_gone() {
    let project = project("halfway");
    project.write("migrations/V0002__slow.sql", "SELECT pg_sleep(600);");
    let url = server().url("postgres", "postgres");
    let asleep = "SELECT count(*) FROM pg_stat_activity
                  WHERE datname LIKE 'edu\\_template\\_halfway\\_%' AND wait_event = 'PgSleep'";
    let running = start(project.path(), &["testdb", "create", "--url", &url], &[]);
    until("the migration sleeps", || admin().one(asleep) == "1");
    running.signal("INT");
    running.wait().expect(130);
    assert_eq!(there("halfway"), Vec::<String>::new());

    // Killed outright, it is left to gc.
    let running = start(project.path(), &["testdb", "create", "--url", &url], &[]);
    until("the migration sleeps", || admin().one(asleep) == "1");
    drop(running);
    let swept = testdb(&project, &["gc"]).expect(0);
    assert!(swept.says("unfinished"), "{}", swept.stderr);
    assert_eq!(there("halfway"), Vec::<String>::new());
}

#[test]
fn an_expired_database_is_dropped_by_the_next_request() {
    let project = project("expired");
    testdb(&project, &["create", "--ttl", "0s"]).expect(0);
    let first = clones("expired");
    assert_eq!(first.len(), 1);
    let listed = testdb(&project, &["list"]).expect(0);
    assert!(listed.says("expired") && listed.says(&first[0]));
    let dry = testdb(&project, &["gc", "--dry-run"]).expect(0);
    assert!(dry.says(&format!("would drop {} (expired)", first[0])));
    assert_eq!(clones("expired"), first);
    testdb(&project, &["create"]).expect(0);
    let second = clones("expired");
    assert!(second.len() == 1 && second != first);
    clean(&project, "expired");
}

#[test]
fn only_edus_databases_are_dropped_and_those_in_use_are_not() {
    let project = project("dropping");
    let foreign = database(Template::Empty);
    let refused = testdb(&project, &["drop", &foreign.name]).expect(8);
    assert!(refused.says("is no test database"));
    let unknown = testdb(&project, &["drop", "edu_test_dropping_000000000000"]).expect(2);
    assert!(unknown.says("edu testdb list"));

    let url = server().url("postgres", "postgres");
    let args = [
        "testdb",
        "run",
        "--url",
        &url,
        "--",
        "sh",
        "-c",
        "touch ready; cat",
    ];
    let mut waiting = command(project.path(), &args, &[]);
    let mut waiting = waiting.stdin(std::process::Stdio::piped()).spawn().unwrap();
    until("the command runs", || project.path().join("ready").exists());
    let name = clones("dropping").remove(0);
    let refused = testdb(&project, &["drop", &name]).expect(8);
    assert!(refused.says("is in use by process"));
    assert!(
        testdb(&project, &["gc"])
            .expect(0)
            .says("nothing is left over")
    );
    assert!(testdb(&project, &["list"]).expect(0).says("in use"));
    assert!(
        testdb(&project, &["drop", "--all"])
            .expect(0)
            .says("nothing to do")
    );
    testdb(&project, &["drop", "--force", &name]).expect(0);
    assert_eq!(clones("dropping"), Vec::<String>::new());
    drop(waiting.stdin.take());
    waiting.wait().unwrap();
    clean(&project, "dropping");
}

#[test]
fn changed_files_make_another_template_and_gc_drops_the_old_one() {
    let project = project("changed");
    let first = testdb(&project, &["create", "--template-only"]).expect(0);
    let again = testdb(&project, &["create", "--template-only"]).expect(0);
    assert_eq!(first.stdout, again.stdout);
    let plain = testdb(&project, &["create", "--template-only", "--no-seed"]).expect(0);
    assert_ne!(first.stdout, plain.stdout);
    project.write(
        "migrations/V0002__more.sql",
        "ALTER TABLE note ADD pinned boolean;",
    );
    project.write(
        "spec/schema/note.sql",
        "CREATE TABLE note (id int PRIMARY KEY, body text NOT NULL, pinned boolean);",
    );
    let second = testdb(&project, &["create", "--template-only"]).expect(0);
    assert_ne!(first.stdout, second.stdout);
    // Another branch may still want the old ones.
    testdb(&project, &["gc"]).expect(0);
    assert_eq!(there("changed").len(), 3);
    testdb(&project, &["gc", "--unused", "0s"]).expect(0);
    assert_eq!(there("changed"), [second.stdout.trim()]);
    clean(&project, "changed");
}

/// The project with a vector from a file in its seed row.
#[test]
fn one_byte_of_a_file_that_seed_rows_take_numbers_from_makes_another_template() {
    let project = project("numbers");
    let table = "CREATE TABLE place (id int PRIMARY KEY, at real[] NOT NULL);";
    project.write("migrations/V0001__note.sql", table);
    project.write("spec/schema/note.sql", table);
    let rows = |path: &str| {
        format!(
            "[[table]]\nname = \"public.place\"\nas = \"owner\"\n[[table.row]]\nid = 1\nat = {{ file = \"{path}\", row = 1 }}\n"
        )
    };
    let template = || {
        let run = testdb(&project, &["create", "--template-only"]).expect(0);
        run.stdout.trim().to_owned()
    };
    // Not all of them below seeds/, and one of them in two rows of which the seed row takes one.
    let fvecs = [
        2_i32.to_le_bytes(),
        1_f32.to_le_bytes(),
        2_f32.to_le_bytes(),
    ]
    .concat();
    let heading = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }\n";
    let length = u16::try_from(heading.len()).unwrap().to_le_bytes();
    let npy = [
        b"\x93NUMPY\x01\x00",
        length.as_slice(),
        heading.as_bytes(),
        &[0; 8],
    ]
    .concat();
    for (path, bytes) in [
        ("seeds/dev/at.csv", b"1,2\n3,4\n".to_vec()),
        ("data/at.fvecs", fvecs.repeat(2)),
        ("data/at.npy", npy),
    ] {
        project.write("seeds/dev/note.toml", &rows(path));
        let write = |bytes: &[u8]| {
            let path = project.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        };
        write(&bytes);
        let first = template();
        assert_eq!(template(), first, "{path}");
        let mut other = bytes.clone();
        let byte = match path.ends_with("csv") {
            true => 0,
            false => other.len() - 3,
        };
        other[byte] ^= 2;
        write(&other);
        assert_ne!(template(), first, "{path}");
    }
    clean(&project, "numbers");
}

#[test]
fn keys_that_a_template_was_filled_with_are_mentioned_and_not_shown() {
    let project = project("keys");
    let table = "CREATE TABLE app_key (id int PRIMARY KEY, hash text NOT NULL);";
    project.write("migrations/V0001__note.sql", table);
    project.write("spec/schema/note.sql", table);
    let row = "[[table]]\nname = \"public.app_key\"\nas = \"owner\"\n[[table.row]]\nid = 1\nhash = { api_key = \"ci_test_\", hash = \"sha256\" }\n";
    project.write("seeds/dev/note.toml", row);
    let run = testdb(&project, &["create"]).expect(0);
    assert!(
        run.stderr.contains("a key for public.app_key.hash"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("sha256"), "{}", run.stderr);
    assert!(!run.stdout.contains("ci_test_") && !run.stderr.contains("ci_test_"));
    // Once it is built, there is nothing to say.
    let again = testdb(&project, &["create"]).expect(0);
    assert!(!again.stderr.contains("a key for"), "{}", again.stderr);
    clean(&project, "keys");
}

#[test]
fn a_template_that_is_not_what_the_spec_says_is_refused_and_dropped() {
    let project = project("drifted");
    project.write(
        "spec/schema/note.sql",
        "CREATE TABLE note (id int PRIMARY KEY);",
    );
    let refused = testdb(&project, &["create"]).expect(3);
    assert!(refused.says("is not what the spec says") && refused.says("body"));
    assert_eq!(there("drifted"), Vec::<String>::new());
}

#[test]
fn a_role_that_may_create_databases_clones_what_a_superuser_has_built() {
    let project = project("lesser");
    admin().run("CREATE ROLE testdb_maker LOGIN CREATEDB; CREATE ROLE testdb_reader LOGIN");
    let maker = server().url("postgres", "testdb_maker");
    let reader = server().url("postgres", "testdb_reader");
    testdb(&project, &["create", "--template-only"]).expect(0);
    let made = project
        .edu(&["testdb", "create", "--url", &maker])
        .expect(0);
    assert_eq!(
        Session::at(made.stdout.trim())
            .one("SELECT datdba::regrole FROM pg_database WHERE datname = current_database()"),
        "testdb_maker"
    );
    project
        .edu(&["testdb", "run", "--url", &maker, "--", "true"])
        .expect(0);
    let refused = project
        .edu(&["testdb", "create", "--url", &reader])
        .expect(8);
    assert!(
        refused.says("ALTER ROLE testdb_reader CREATEDB"),
        "{}",
        refused.stderr
    );
    clean(&project, "lesser");

    // What needs a superuser says so, and leaves nothing.
    let whole = Project::copy_of_root();
    let manifest = std::fs::read_to_string(whole.path().join("edu.toml")).unwrap();
    whole.write(
        "edu.toml",
        &manifest.replace("name = \"edusphere\" ", "name = \"needsuper\" "),
    );
    let refused = whole.edu(&["testdb", "create", "--url", &maker]).expect(8);
    assert!(refused.says("--template-only"), "{}", refused.stderr);
    assert_eq!(there("needsuper"), Vec::<String>::new());
    admin().run("DROP ROLE testdb_maker; DROP ROLE testdb_reader");
}

#[test]
fn the_snippet_in_the_document_is_the_one_that_is_compiled() {
    let document = std::fs::read_to_string(Project::root().join("docs/testdb.md")).unwrap();
    let (_, compiled) = include_str!("snippet.rs").split_once("here.\n").unwrap();
    let lines = compiled
        .lines()
        .filter(|line| !line.starts_with("#[ignore"));
    let compiled = lines.collect::<Vec<_>>().join("\n");
    assert!(
        document.contains(&format!("```rust\n{compiled}\n```")),
        "{compiled}"
    );
}

#[test]
fn a_standby_is_refused() {
    let standby = crate::support::Plain::standby();
    let refused = project("standby").edu(&["testdb", "create", "--url", &standby.url("postgres")]);
    assert!(refused.expect(8).says("is a standby"));
}

/// How many kills: some in every run of the tests, all of them by `just testdb-kills`.
fn kills() -> u8 {
    std::env::var("EDU_KILLS").map_or(5, |text| text.parse().expect("EDU_KILLS is a number"))
}

#[test]
fn after_a_kill_at_any_moment_gc_leaves_no_database_no_role_and_no_lock() {
    let project = project("killed");
    let server = own_server();
    let url = server.url("postgres", "postgres");
    let psql = crate::support::runtime().bin.join("psql");
    let mut admin = Session::at(&url);
    let edu = |args: &[&str]| {
        let (verb, rest) = args.split_first().unwrap();
        project.edu(&[&["testdb", verb, "--url", &url], rest].concat())
    };
    edu(&["create", "--template-only"]).expect(0);
    let roles = admin.one("SELECT count(*) FROM pg_authid");
    let (mut held, mut building) = (0, 0);
    for round in 0..kills() {
        if round % 5 == 4 {
            // Every fifth one is killed while it builds another template.
            let text = format!("ALTER TABLE note ADD c{round} int;\nSELECT pg_sleep(0.3);");
            project.write("migrations/V0002__more.sql", &text);
            project.write(
                "spec/schema/note.sql",
                &format!(
                    "CREATE TABLE note (id int PRIMARY KEY, body text NOT NULL, c{round} int);"
                ),
            );
        } else {
            // The others find a template, and are killed around their clone.
            edu(&["create", "--template-only"]).expect(0);
        }
        let sleep = "SELECT pg_sleep(0.3)";
        let psql = psql.to_str().unwrap();
        let args = ["testdb", "run", "--url", &url, "--", psql, "-XAtc", sleep];
        let running = start(project.path(), &args, &[]);
        let random = u64::from(uuid::Uuid::new_v4().as_bytes()[0]);
        std::thread::sleep(Duration::from_millis(random * 2));
        let seen =
            admin.one("SELECT count(*) FROM pg_database WHERE datname LIKE 'edu\\_test\\_%'");
        held += u32::from(seen != "0");
        let seen = admin.one("SELECT count(*) FROM pg_database WHERE datname LIKE 'edu\\_template\\_%' AND datallowconn");
        building += u32::from(seen != "0");
        drop(running);

        edu(&["gc", "--unused", "0s"]).expect(0);
        let left = admin.rows(
            "SELECT datname FROM pg_database WHERE datname LIKE 'edu\\_%'
             AND NOT (datistemplate AND NOT datallowconn)",
        );
        assert!(
            left.is_empty(),
            "round {round}, after {random} × 2 ms: {left:?}"
        );
        let locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'";
        assert_eq!(admin.one(locks), "0", "round {round}");
        assert_eq!(
            admin.one("SELECT count(*) FROM pg_authid"),
            roles,
            "round {round}"
        );
    }
    println!(
        "{} kills: {held} with a clone there, {building} while a template was built",
        kills()
    );
}

fn options(project: &Project) -> Options {
    Options {
        project: Some(project.path().to_owned()),
        place: Place::Url(server().url("postgres", "postgres")),
        ..Options::default()
    }
}

#[test]
fn a_librarys_database_ends_with_its_value_and_outlives_a_panic() {
    let project = project("library");
    let made = edu::testdb::Database::create(&options(&project)).unwrap();
    let mut session = Session::at(&made.url());
    assert_eq!(session.one("SELECT count(*) FROM note"), "2");
    assert_eq!(clones("library"), [made.name()]);
    assert!(
        testdb(&project, &["gc"])
            .expect(0)
            .says("nothing is left over")
    );
    drop(made);
    assert_eq!(clones("library"), Vec::<String>::new());

    // Inside a runtime too, where blocking on another one is refused.
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(async { edu::testdb::Database::create(&options(&project)).unwrap() })
        .drop_it()
        .unwrap();

    static TOLD: std::sync::Mutex<String> = std::sync::Mutex::new(String::new());
    let failing = Options {
        tell: |text| TOLD.lock().unwrap().push_str(text),
        ..options(&project)
    };
    let test = std::thread::spawn(move || {
        let _made = edu::testdb::Database::create(&failing).unwrap();
        panic!("as a failing test does");
    });
    assert!(test.join().is_err());
    let kept = clones("library");
    assert_eq!(kept.len(), 1);
    assert!(TOLD.lock().unwrap().contains(&kept[0]));
    assert!(testdb(&project, &["list"]).expect(0).says("kept"));

    let mut wrong = options(&project);
    wrong.seeds = Seeds::Profile("nowhere".to_owned());
    let failure = edu::testdb::Database::create(&wrong).unwrap_err();
    assert!(
        failure
            .error
            .contains("seed profile \"nowhere\" has no files")
    );
    clean(&project, "library");
}

#[test]
fn a_server_of_its_own_has_all_of_it_and_roles_that_nobody_else_sees() {
    let project = project("ownserver");
    let psql = crate::support::runtime().bin.join("psql");
    let major = crate::support::major().to_string();
    let script = format!(
        "exec '{}' -XqAt -v ON_ERROR_STOP=1 -c 'CREATE ROLE testdb_own_server' \
         -c 'SELECT count(*), current_database(), current_setting($$data_directory$$) FROM note'",
        psql.display()
    );
    let args = [
        "testdb",
        "run",
        "--own-server",
        "--major",
        &major,
        "--",
        "sh",
        "-c",
        &script,
    ];
    let mut folders = Vec::new();
    for _ in 0..2 {
        // The second one would fail, were the first one's role there.
        let run = project.edu(&args).expect(0);
        let folder = run
            .stdout
            .trim()
            .strip_prefix("2|ownserver|")
            .expect("the rows")
            .to_owned();
        assert!(!Path::new(&folder).exists(), "the server is gone");
        folders.push(folder);
    }
    assert_ne!(folders[0], folders[1]);
    let role = "SELECT count(*) FROM pg_roles WHERE rolname = 'testdb_own_server'";
    assert_eq!(admin().one(role), "0");

    // The library's, whose guard is the same program.
    let options = Options {
        project: Some(project.path().to_owned()),
        place: Place::Own {
            edu: Some(env!("CARGO_BIN_EXE_edu").into()),
        },
        major: Some(crate::support::major()),
        ..Options::default()
    };
    let made = edu::testdb::Database::create(&options).unwrap();
    let mut session = Session::at(&made.url());
    session.run("CREATE ROLE testdb_own_server");
    assert_eq!(session.one("SELECT count(*) FROM note"), "2");
    let folder = session.one("SHOW data_directory");
    drop(session);
    drop(made);
    assert!(!Path::new(&folder).exists());
}

#[test]
fn a_server_of_its_own_ends_when_its_run_is_killed() {
    let project = project("ownkilled");
    let major = crate::support::major().to_string();
    let args = [
        "testdb",
        "run",
        "--own-server",
        "--major",
        &major,
        "--",
        "sh",
        "-c",
        "echo $PGHOST > ready.new; mv ready.new ready; exec sleep 600",
    ];
    let ready = project.path().join("ready");
    let running = start(project.path(), &args, &[]);
    until("the command runs", || ready.exists());
    let sockets = std::fs::read_to_string(&ready).unwrap();
    assert!(Path::new(sockets.trim()).exists());
    drop(running);
    until("the server is gone", || !Path::new(sockets.trim()).exists());
}

/// The clone of the whole project beside the bare statement, in turns, on one connection each.
#[test]
#[ignore = "a measurement"]
fn speed_of_a_clone_beside_the_bare_statement() {
    use edu::pg::testdb::admin::Path as Way;
    use std::time::Instant;
    const PAIRS: usize = 40;
    let home = edu::project::Home::read(&Project::root()).unwrap();
    let project = edu::project::Project::load(home).unwrap();
    let url = server().url("postgres", "postgres");
    let to = edu::pg::Server::from_url(&url, "the test").unwrap();
    let environment = edu::config::Environment::read();
    let site = edu::testdb::Site::new(
        &environment,
        project,
        to,
        Way::Direct,
        Seeds::Default,
        "speed",
    )
    .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let cancel = edu::pg::Cancel::default();
    let mut bare = admin();
    let (mut ours, template) = runtime
        .block_on(async {
            let mut ours = site.open().await?;
            let template = site
                .template(&mut ours, &cancel, &edu::progress::silent)
                .await?;
            edu::failure::Result::Ok((ours, template))
        })
        .unwrap();
    let mut took = (Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        let sql = format!(
            "CREATE DATABASE bare_speed_{pair} TEMPLATE {} STRATEGY {}",
            template.name,
            template.strategy.keyword()
        );
        let life = Duration::from_secs(60);
        let mut made = None;
        // Whoever comes second finds other caches: they take turns.
        for turn in 0..2 {
            let begun = Instant::now();
            if (pair + turn) % 2 == 0 {
                bare.run(&sql);
                took.0.push(begun.elapsed());
            } else {
                let one = site.create(&mut ours, &template, life);
                made = Some(runtime.block_on(one).unwrap());
                took.1.push(begun.elapsed());
            }
        }
        let made = made.unwrap();
        bare.run(&format!("DROP DATABASE bare_speed_{pair}"));
        bare.run(&format!("DROP DATABASE {}", made.database()));
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort();
        times[times.len() / 2]
    };
    let (one, other) = (median(&mut took.0), median(&mut took.1));
    let ratio = other.as_secs_f64() / one.as_secs_f64();
    println!(
        "{}: bare {one:.1?}, edu {other:.1?}: {ratio:.2} ×",
        template.strategy
    );
    assert!(ratio <= 1.15, "{ratio:.2}");
}

#[test]
fn runs_at_once_sweep_up_the_same_leftovers_without_a_word_of_each_other() {
    let project = project("sweepers");
    let url = server().url("postgres", "postgres");
    testdb(&project, &["run", "--", "true"]).expect(0);
    for _ in 0..4 {
        let mut lost: Vec<_> = (0..4)
            .map(|_| {
                let words = ["testdb", "run", "--url", &url, "--", "sleep", "20"];
                start(project.path(), &words, &[])
            })
            .collect();
        until("all have their databases", || {
            let sql =
                "SELECT count(*) FROM pg_database d WHERE datname LIKE 'edu\\_test\\_sweepers\\_%'
                AND shobj_description(d.oid, 'pg_database') IS NOT NULL";
            admin().one(sql) == "4"
        });
        for one in &mut lost {
            one.signal("KILL");
        }
        lost.into_iter().for_each(|one| drop(one.wait()));
        let words = ["testdb", "run", "--url", &url, "--", "true"];
        let runs: Vec<_> = (0..8).map(|_| start(project.path(), &words, &[])).collect();
        for run in runs {
            let run = run.wait().expect(0);
            assert!(!run.says("could not be dropped"), "{}", run.stderr);
        }
        testdb(&project, &["gc"]).expect(0);
        assert!(clones("sweepers").is_empty(), "{:?}", clones("sweepers"));
    }
    clean(&project, "sweepers");
}
