//! Histories that somebody meddled with, and files that are none.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::support::{Database, Project, Run, Template, database, migrations, start, until};

const TABLE: &str =
    "version int8 PRIMARY KEY, name varchar(255), applied_on varchar(255), checksum varchar(255)";

fn on(project: &Project, db: &Database, words: &[&str]) -> Run {
    project.edu(&[words, &["--url", &db.url()]].concat())
}

/// One migration with its way back, applied.
fn applied() -> (Database, Project) {
    let db = database(Template::Empty);
    let project = migrations(&["CREATE TABLE a (i int);"]);
    project.write("migrations/V0001__step.down.sql", "DROP TABLE a;");
    on(&project, &db, &["db", "migrate"]).expect(0);
    (db, project)
}

#[test]
fn hostile_rows_of_the_history_are_shown_escaped_and_stop_no_status() {
    let db = database(Template::Empty);
    let project = migrations(&["CREATE TABLE a (i int);"]);
    db.run(&format!(
        "CREATE TABLE refinery_schema_history ({TABLE});
         INSERT INTO public.refinery_schema_history VALUES
            (1, E'st\\x1b[31mep<j>&amp;\\n9 applied, nothing pending\\u202e', E'31st of\\x1b February', NULL)"
    ));
    for words in [
        &["db", "status"][..],
        &["db", "migrate"],
        &["db", "plan"],
        &["db", "rollback", "--yes"],
        &["db", "baseline", "1", "--unverified"],
    ] {
        let run = on(&project, &db, words);
        assert!(
            matches!(run.code, 4 | 8),
            "{words:?}: {}: {}",
            run.code,
            run.stderr
        );
        for told in [&run.stdout, &run.stderr] {
            assert!(!told.contains(['\u{1b}', '\u{202e}']), "{words:?}: {told}");
            let forged = told
                .lines()
                .any(|line| line.starts_with("9 applied, nothing"));
            assert!(!forged, "{words:?}: {told}");
        }
    }
    let run = on(&project, &db, &["db", "status"]);
    assert!(
        run.says(r"st\x1b[31mep<j>&amp;\n9 applied"),
        "{}",
        run.stdout
    );
    assert!(run.says(r"31st of\x1b February"), "{}", run.stdout);
    let run = on(&project, &db, &["db", "status", "--output", "json"]);
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert!(json.to_string().contains("31st of"), "{json}");
}

#[test]
fn impossible_dates_in_the_history_stop_neither_status_nor_migrate_nor_rollback() {
    for date in [
        "31st of February",
        "",
        "2026-02-31T25:61:61Z",
        "+292277026597-01-01T00:00:00Z",
    ] {
        let (db, project) = applied();
        db.run(&format!(
            "UPDATE public.refinery_schema_history SET applied_on = '{date}'"
        ));
        on(&project, &db, &["db", "status"]).expect(0);
        project.write("migrations/V0002__next.sql", "CREATE TABLE b (i int);");
        on(&project, &db, &["db", "migrate"]).expect(0);
        project.write("migrations/V0002__next.down.sql", "DROP TABLE b;");
        on(&project, &db, &["db", "rollback", "--to", "0", "--yes"]).expect(0);
        assert_eq!(
            db.one("SELECT count(*) FROM public.refinery_schema_history"),
            "0"
        );
    }
    let (db, project) = applied();
    db.run("UPDATE public.refinery_schema_history SET applied_on = NULL");
    on(&project, &db, &["db", "status"]).expect(0);
    on(&project, &db, &["db", "rollback"]).expect(0);
}

#[test]
fn a_history_that_something_comes_between_is_refused_by_every_command_before_anything_is_done() {
    let table = format!("CREATE TABLE refinery_schema_history ({TABLE});");
    let cases = [
        ("CREATE VIEW refinery_schema_history AS SELECT 1 AS version".to_owned(), "is not a plain table"),
        ("CREATE MATERIALIZED VIEW refinery_schema_history AS SELECT 1 AS version".to_owned(), "is not a plain table"),
        ("CREATE SEQUENCE refinery_schema_history".to_owned(), "is not a plain table"),
        (format!("CREATE TABLE refinery_schema_history ({TABLE}) PARTITION BY RANGE (version)"), "is not a plain table"),
        (format!("{table} CREATE TABLE child () INHERITS (refinery_schema_history)"), "is part of another table"),
        (
            format!("CREATE TABLE parent ({}); CREATE TABLE refinery_schema_history () INHERITS (parent)", TABLE.replace(" PRIMARY KEY", "")),
            "is part of another table",
        ),
        (
            format!("{table} CREATE RULE none AS ON INSERT TO refinery_schema_history DO INSTEAD NOTHING"),
            "has a rule",
        ),
        (
            format!(
                "{table} CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
                 CREATE TRIGGER swallow BEFORE INSERT ON public.refinery_schema_history FOR EACH ROW EXECUTE FUNCTION swallow()"
            ),
            "has a trigger",
        ),
        (
            format!(
                "{table} CREATE FUNCTION shift() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.version := NEW.version + 100; RETURN NEW; END';
                 CREATE TRIGGER shift BEFORE INSERT ON public.refinery_schema_history FOR EACH ROW EXECUTE FUNCTION shift()"
            ),
            "has a trigger",
        ),
    ];
    for (sql, words) in cases {
        let db = database(Template::Empty);
        db.run(&sql);
        let project = migrations(&["CREATE TABLE a (i int);"]);
        for command in [
            &["db", "migrate"][..],
            &["db", "migrate", "--dry-run"],
            &["db", "status"],
            &["db", "plan"],
            &["db", "rollback"],
            &["db", "baseline", "1", "--unverified"],
        ] {
            let run = on(&project, &db, command);
            assert_eq!(
                run.code, 4,
                "{command:?} {sql}: {}{}",
                run.stdout, run.stderr
            );
            assert!(run.says(words), "{command:?} {sql}: {}", run.stderr);
        }
        assert_eq!(db.one("SELECT to_regclass('a')"), "NULL");
        assert_eq!(db.one("SELECT to_regnamespace('edu')"), "NULL");
    }
}

#[test]
fn a_history_whose_rows_are_hidden_from_the_role_is_refused_and_not_taken_for_an_empty_one() {
    let (db, project) = applied();
    let role = format!("blind_{}", db.name);
    db.run(&format!(
        "CREATE ROLE {role} LOGIN; GRANT SELECT ON public.refinery_schema_history TO {role};
         GRANT USAGE ON SCHEMA edu TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA edu TO {role};
         ALTER TABLE refinery_schema_history ENABLE ROW LEVEL SECURITY"
    ));
    let url = db.url_as(&role);
    for words in [&["db", "status"][..], &["db", "migrate"], &["db", "plan"]] {
        let run = project.edu(&[words, &["--url", &url]].concat());
        assert_eq!(run.code, 4, "{words:?}: {}{}", run.stdout, run.stderr);
        assert!(run.says("row-level security"), "{}", run.stderr);
    }
    // Whom the policies do not hold sees the rows.
    on(&project, &db, &["db", "status"]).expect(0);
    db.run(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn a_trigger_that_only_watches_and_columns_of_somebody_elses_are_no_hindrance() {
    let (db, project) = applied();
    db.run(
        "ALTER TABLE refinery_schema_history ADD COLUMN note text, ADD COLUMN seen timestamptz NOT NULL DEFAULT now();
         CREATE TABLE heard (version int8);
         CREATE FUNCTION hear() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.heard VALUES (NEW.version); RETURN NULL; END';
         CREATE TRIGGER hear AFTER INSERT ON public.refinery_schema_history FOR EACH ROW EXECUTE FUNCTION hear()",
    );
    project.write("migrations/V0002__next.sql", "CREATE TABLE b (i int);");
    on(&project, &db, &["db", "migrate"]).expect(0);
    assert_eq!(db.one("SELECT version FROM heard"), "2");
    on(&project, &db, &["db", "status"]).expect(0);
}

/// Triggers that meddle with the history after edu has written it, and what they say of themselves.
const MEDDLERS: [(&str, &str); 4] = [
    (
        "DELETE FROM public.refinery_schema_history WHERE version = NEW.version",
        "CREATE TRIGGER meddle AFTER INSERT",
    ),
    (
        "UPDATE public.refinery_schema_history SET checksum = '0' WHERE version = NEW.version",
        "CREATE TRIGGER meddle AFTER INSERT",
    ),
    (
        "UPDATE public.refinery_schema_history SET version = version + 100 WHERE version = NEW.version",
        "CREATE TRIGGER meddle AFTER INSERT",
    ),
    (
        "DELETE FROM public.refinery_schema_history WHERE version = NEW.version",
        "CREATE CONSTRAINT TRIGGER meddle AFTER INSERT",
    ),
];

fn meddler(body: &str, trigger: &str) -> String {
    let deferred = match trigger.contains("CONSTRAINT") {
        true => "DEFERRABLE INITIALLY DEFERRED",
        false => "",
    };
    format!(
        "CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN {body}; RETURN NULL; END $f$;
         {trigger} ON public.refinery_schema_history {deferred} FOR EACH ROW EXECUTE FUNCTION meddle();"
    )
}

#[test]
fn a_trigger_that_takes_back_or_changes_the_history_afterwards_is_found_out_and_named() {
    for (body, trigger) in MEDDLERS {
        let (db, project) = applied();
        db.run(&meddler(body, trigger));
        for header in ["", "-- edu: no-transaction\n"] {
            let text = format!("{header}CREATE TABLE b (i int);");
            project.write("migrations/V0002__next.sql", &text);
            let run = on(&project, &db, &["db", "migrate"]).expect(4);
            assert!(
                run.says("did not keep the row of V2") && run.says("Triggers there: meddle"),
                "{trigger}: {}",
                run.stderr
            );
            assert_eq!(
                db.one("SELECT string_agg(version::text, ' ') FROM public.refinery_schema_history"),
                "1",
                "{trigger}"
            );
            if header.is_empty() {
                assert!(run.says("V2 was rolled back"), "{}", run.stderr);
                assert_eq!(db.one("SELECT to_regclass('b')"), "NULL");
            }
        }
        let run = on(&project, &db, &["db", "baseline", "2", "--unverified"]).expect(4);
        assert!(run.says("meddle"), "{trigger}: {}", run.stderr);
        db.run("DROP TRIGGER meddle ON public.refinery_schema_history");
        on(&project, &db, &["db", "migrate"]).expect(0);
    }
}

#[test]
fn a_trigger_that_a_migration_itself_puts_on_the_history_is_found_out() {
    let (body, trigger) = MEDDLERS[0];
    let db = database(Template::Empty);
    let project = migrations(&["CREATE TABLE a (i int);", &meddler(body, trigger)]);
    let run = on(&project, &db, &["db", "migrate"]).expect(4);
    assert!(run.says("did not keep the row of V2"), "{}", run.stderr);
    assert!(run.says("V1 was applied before it"), "{}", run.stderr);
    assert_eq!(
        db.one("SELECT count(*) FROM public.refinery_schema_history"),
        "1"
    );
}

#[test]
fn a_trigger_that_puts_back_what_a_rollback_took_is_found_out() {
    let (db, project) = applied();
    db.run(
        "CREATE FUNCTION back() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.refinery_schema_history VALUES (OLD.*); RETURN NULL; END';
         CREATE TRIGGER back AFTER DELETE ON public.refinery_schema_history FOR EACH ROW EXECUTE FUNCTION back()",
    );
    let run = on(&project, &db, &["db", "rollback", "--yes"]).expect(4);
    assert!(run.says("Triggers there: back"), "{}", run.stderr);
    assert!(run.says("V1 is applied as before"), "{}", run.stderr);
    assert_eq!(db.one("SELECT to_regclass('a')"), "a");
}

#[test]
fn a_history_that_cannot_take_the_row_undoes_the_migration_and_names_the_column() {
    let (db, project) = applied();
    db.run("ALTER TABLE refinery_schema_history ADD COLUMN needed text; UPDATE public.refinery_schema_history SET needed = 'x';
            ALTER TABLE refinery_schema_history ALTER COLUMN needed SET NOT NULL");
    project.write("migrations/V0002__next.sql", "CREATE TABLE b (i int);");
    let run = on(&project, &db, &["db", "migrate"]).expect(5);
    assert!(
        run.says("needed") && run.says("V2 was rolled back"),
        "{}",
        run.stderr
    );
    assert_eq!(db.one("SELECT to_regclass('b')"), "NULL");
}

#[test]
fn versions_that_are_no_int8_are_refused_with_the_tables_name_and_the_files() {
    for (kind, value) in [
        ("text", "'first'"),
        ("numeric", "1e30"),
        ("float8", "'NaN'"),
        ("int8", "NULL"),
    ] {
        let db = database(Template::Empty);
        db.run(&format!(
            "CREATE TABLE refinery_schema_history (version {kind}, name varchar(255), applied_on varchar(255), checksum varchar(255));
             INSERT INTO public.refinery_schema_history VALUES ({value}, 'step', 'now', '1')"
        ));
        let project = migrations(&["CREATE TABLE a (i int);"]);
        for words in [&["db", "migrate"][..], &["db", "status"], &["db", "plan"]] {
            let run = on(&project, &db, words);
            assert!(
                !matches!(run.code, 0 | 1 | 70 | -1),
                "{kind} {words:?}: {}: {}",
                run.code,
                run.stderr
            );
            assert!(
                run.says("schema history"),
                "{kind} {words:?}: {}",
                run.stderr
            );
        }
        assert_eq!(db.one("SELECT to_regclass('a')"), "NULL");
    }
    for name in [
        "V9223372036854775808__x.sql",
        "V99999999999999999999999__x.sql",
    ] {
        let project = Project::new(&[(&format!("migrations/{name}"), "SELECT 1;")]);
        let run = project.edu(&["db", "migrate"]).expect(2);
        assert!(
            run.says(name) && run.says("9223372036854775807"),
            "{}",
            run.stderr
        );
    }
    let (db, project) = applied();
    project.write(
        "migrations/V9223372036854775807__last.sql",
        "CREATE TABLE z (i int);",
    );
    on(&project, &db, &["db", "migrate"]).expect(0);
    on(&project, &db, &["db", "status"]).expect(0);
    project.write(
        "migrations/V9223372036854775807__last.down.sql",
        "DROP TABLE z;",
    );
    on(&project, &db, &["db", "rollback"]).expect(0);
}

/// Puts something hostile at a path.
type Made = fn(&Path);

/// A name, what is said of it, and how it is made.
const NO_MIGRATIONS: [(&str, &str, Made); 16] = [
    (
        "V2__b.sql",
        "is a link that leads out of the project",
        |at| symlink("/etc/hostname", at).unwrap(),
    ),
    ("V2__b.sql", "No such file", |at| {
        symlink("nowhere.sql", at).unwrap()
    }),
    ("V2__b.sql", "V2__b.sql", |at| symlink(at, at).unwrap()),
    ("V2__b.sql", "is not a regular file", |at| {
        symlink("..", at).unwrap()
    }),
    ("V2__b.sql", "is not a regular file", |at| {
        mknodat(CWD, at, FileType::Fifo, Mode::RUSR, 0).unwrap()
    }),
    ("V2__b.sql", "is not a regular file", |at| {
        drop(std::os::unix::net::UnixListener::bind(at).unwrap())
    }),
    ("V2__b.sql", "is not a regular file", |at| {
        fs::create_dir(at).unwrap()
    }),
    ("V2__b.sql", "NUL byte (line 2)", |at| {
        fs::write(at, b"SELECT 1;\n\0").unwrap()
    }),
    ("V2__b.sql", "not UTF-8 text (line 2)", |at| {
        fs::write(at, b"SELECT\n'\xe9';").unwrap()
    }),
    ("V2__b.sql", "not UTF-8 text (line 1)", |at| {
        fs::write(at, b"\xff\xfeS\0").unwrap()
    }),
    ("V2__b.sql", "has no statement", |at| {
        fs::write(at, b"").unwrap()
    }),
    ("V2__b.sql", "has no statement", |at| {
        fs::write(at, b"\xef\xbb\xbf").unwrap()
    }),
    ("V2__b.sql", "has no statement", |at| {
        fs::write(at, b"-- later\n/* or /* never */ */\n ;;\n").unwrap()
    }),
    ("V2__b\u{1b}[31m.sql", r"V2__b\x1b[31m.sql", |at| {
        fs::write(at, b"SELECT 1;").unwrap()
    }),
    ("V2__b\n1.sql", r"V2__b\n1.sql", |at| {
        fs::write(at, b"SELECT 1;").unwrap()
    }),
    ("V02__b.sql", "V1__a.sql", |at| {
        fs::rename(
            at.with_file_name("V1__a.sql"),
            at.with_file_name("V2__c.sql"),
        )
        .and_then(|()| fs::write(at, b"SELECT 1;"))
        .unwrap()
    }),
];

#[test]
fn what_is_no_migration_is_refused_by_its_name_before_a_server_is_asked() {
    for (name, words, made) in NO_MIGRATIONS {
        let project = Project::new(&[("migrations/V1__a.sql", "CREATE TABLE a (i int);")]);
        made(&project.path().join("migrations").join(name));
        // A pipe that were read would wait for ever.
        let running = start(
            project.path(),
            &[
                "db",
                "migrate",
                "--url",
                "postgresql://nobody@127.0.0.1:1/x",
            ],
            &[],
        );
        let run = running.wait();
        assert_eq!(run.code, 2, "{name:?} {words}: {}", run.stderr);
        let words = if name == "V02__b.sql" {
            "version 2 was given twice"
        } else {
            words
        };
        assert!(run.says(words), "{name:?} {words}: {}", run.stderr);
        assert!(!run.stderr.contains('\u{1b}'), "{}", run.stderr);
    }
}

#[test]
fn a_link_within_the_project_is_read_and_a_byte_order_mark_changes_nothing() {
    let db = database(Template::Empty);
    let project = Project::new(&[(
        "migrations/V1__a.sql",
        "\u{feff}CREATE TABLE a (i int);\r\nCOMMENT ON TABLE a IS 'ä';",
    )]);
    project.write("parts/b.sql", "CREATE TABLE b (i int);");
    symlink(
        "../parts/b.sql",
        project.path().join("migrations/V2__b.sql"),
    )
    .unwrap();
    on(&project, &db, &["db", "migrate"]).expect(0);
    assert_eq!(db.one("SELECT obj_description('a'::regclass)"), "ä");
    assert_eq!(db.one("SELECT to_regclass('b')"), "b");
    project.write(
        "migrations/V1__a.sql",
        "CREATE TABLE a (i int);\nCOMMENT ON TABLE a IS 'ä';",
    );
    on(&project, &db, &["db", "migrate"]).expect(0);
    on(&project, &db, &["db", "status"]).expect(0);
}

#[test]
fn a_file_that_goes_or_becomes_a_pipe_while_the_run_goes_on_is_applied_as_it_was_read() {
    let db = database(Template::Empty);
    let project = migrations(&[
        "SELECT pg_advisory_lock(4711);",
        "CREATE TABLE b (i int);",
        "CREATE TABLE c (i int);",
    ]);
    let mut holder = db.session("postgres");
    holder.run("SELECT pg_advisory_lock(4711)");
    let url = db.url();
    let running = start(project.path(), &["db", "migrate", "--url", &url], &[]);
    until("the first file waits", || {
        db.one("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 4711") == "1"
    });
    let second = project.path().join("migrations/V0002__step.sql");
    fs::remove_file(&second).unwrap();
    mknodat(CWD, &second, FileType::Fifo, Mode::RUSR, 0).unwrap();
    fs::remove_file(project.path().join("migrations/V0003__step.sql")).unwrap();
    holder.run("SELECT pg_advisory_unlock(4711)");
    running.wait().expect(0);
    assert_eq!(
        db.one("SELECT to_regclass('b') || ' ' || to_regclass('c')"),
        "b c"
    );
}
