//! The shared server, templates and clones.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use edu::config::Environment;
use edu::progress::silent;
use edu::server::ephemeral::Options;
use edu::server::runtime::USUAL;
use edu::server::{Ephemeral, Runtime};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Connection, Row, ValueRef};

use super::run::{Project, Run, edu};

/// The state a test's database starts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Template {
    /// Nothing but AGE, without which ordinary statements fail on a server that preloads it.
    Empty,
    /// Nothing but what PostgreSQL brings.
    Bare,
    /// This repository's project after `edu db bootstrap`.
    Bootstrapped,
    /// The same after `edu db migrate`, which brings graph and indexes too.
    Migrated,
    /// The same after `edu db seed`.
    Seeded,
    /// The project under `examples/` of that name (this repository's: "edusphere"), seeded.
    System(&'static str),
}

/// The PostgreSQL major under test.
pub fn major() -> u16 {
    std::env::var("EDU_TEST_MAJOR")
        .map_or(17, |text| text.parse().expect("EDU_TEST_MAJOR is a number"))
}

/// The programs of that major.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        Runtime::ensure(&Environment::read(), major(), &USUAL, &silent)
            .unwrap_or_else(|failure| panic!("{failure}: {:?}", failure.hint))
    })
}

/// The server that all tests of this `cargo test` run share.
pub fn server() -> &'static Ephemeral {
    static SERVER: OnceLock<Ephemeral> = OnceLock::new();
    SERVER.get_or_init(|| {
        let options = Options {
            while_pid: cargo(),
            ..Options::default()
        };
        let guard = Path::new(env!("CARGO_BIN_EXE_edu"));
        Ephemeral::attach(runtime(), guard, &key_folder(), &options)
            .unwrap_or_else(|failure| panic!("{failure}: {:?}", failure.hint))
    })
}

/// The `cargo` that started this process, if one did.
fn cargo() -> Option<u32> {
    let parent = std::os::unix::process::parent_id();
    let name = std::fs::read_to_string(format!("/proc/{parent}/comm")).unwrap_or_default();
    name.starts_with("cargo").then_some(parent)
}

fn key_folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("server")
}

/// A database of the test's own.
pub struct Database {
    pub name: String,
}

/// The database for what concerns the whole server.
fn administration() -> std::mem::ManuallyDrop<Database> {
    std::mem::ManuallyDrop::new(Database {
        name: "postgres".to_owned(),
    })
}

/// Gives the database `name` the settings and privileges of the database `source`.
fn take_settings(name: &str, source: &str) {
    let admin = administration();
    admin.run(&format!(
        "INSERT INTO pg_db_role_setting
         SELECT n.oid, s.setrole, s.setconfig FROM pg_db_role_setting s
         JOIN pg_database t ON t.oid = s.setdatabase AND t.datname = '{source}'
         JOIN pg_database n ON n.datname = '{name}';
         UPDATE pg_database SET datacl = (SELECT datacl FROM pg_database WHERE datname = '{source}')
         WHERE datname = '{name}'"
    ));
}

/// A fresh clone of `template`.
pub fn database(template: Template) -> Database {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("t{}_{count}", std::process::id());
    let source = match template {
        Template::Bare => "template0".to_owned(),
        other => ensure_template(other),
    };
    let admin = administration();
    admin.run(&format!(
        "CREATE DATABASE {name} TEMPLATE {source} STRATEGY file_copy"
    ));
    // A clone gets neither the settings nor the privileges of its template's database.
    take_settings(&name, &source);
    Database { name }
}

/// Builds the template once, however many processes ask.
fn ensure_template(template: Template) -> String {
    let name = match template {
        Template::System(system) => format!("template_system_{system}"),
        other => format!("template_{}", format!("{other:?}").to_lowercase()),
    };
    let folder = match template {
        Template::System(system) => Project::of(system),
        _ => Project::root(),
    };
    server();
    let lock =
        File::create(key_folder().join(format!("{name}-{}.lock", major()))).expect("a lock file");
    lock.lock().expect("the template's lock");
    let admin = administration();
    let there = admin.one(&format!(
        "SELECT count(*) FROM pg_database WHERE datname = '{name}' AND datistemplate"
    ));
    if there == "0" {
        admin.run(&format!("DROP DATABASE IF EXISTS {name}"));
        let url = server().url(&name, "postgres");
        let steps: &[&[&str]] = match template {
            Template::Bare | Template::Empty => &[],
            Template::Bootstrapped => &[&["bootstrap", "--create"]],
            Template::Migrated => &[&["bootstrap", "--create"], &["migrate"]],
            Template::Seeded | Template::System(_) => {
                &[&["bootstrap", "--create"], &["migrate"], &["seed"]]
            }
        };
        if template == Template::Empty {
            admin.run(&format!("CREATE DATABASE {name} TEMPLATE template0"));
            std::mem::ManuallyDrop::new(Database { name: name.clone() })
                .run("CREATE EXTENSION age");
        }
        for step in steps {
            let args = [&["db"], *step, &["--url", &url]].concat();
            edu(&folder, &args).expect(0);
        }
        admin.run(&format!(
            "ALTER DATABASE {name} IS_TEMPLATE true ALLOW_CONNECTIONS false"
        ));
    }
    name
}

impl Database {
    /// The superuser's URL.
    pub fn url(&self) -> String {
        self.url_as("postgres")
    }

    /// The URL of another login.
    pub fn url_as(&self, user: &str) -> String {
        server().url(&self.name, user)
    }

    /// Takes over what a dump without `--create` does not bring: settings and privileges of the
    /// database itself.
    pub fn take_settings_of(&self, other: &Self) {
        take_settings(&self.name, &other.name);
    }

    /// Runs edu's `args` in this repository's project on this database.
    pub fn edu(&self, args: &[&str]) -> Run {
        edu(&Project::root(), &[args, &["--url", &self.url()]].concat())
    }

    /// Runs statements as the superuser.
    #[track_caller]
    pub fn run(&self, sql: &str) {
        self.session("postgres").run(sql);
    }

    /// The first value of the first row, as text; `NULL` for a null.
    #[track_caller]
    pub fn one(&self, sql: &str) -> String {
        self.session("postgres").one(sql)
    }

    /// All rows, as text.
    #[track_caller]
    pub fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        self.session("postgres").rows(sql)
    }

    /// A connection of one login.
    pub fn session(&self, user: &str) -> Session {
        Session::at(&self.url_as(user))
    }
}

impl Session {
    /// A connection to the server and database of a URL.
    pub fn at(url: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let connection = runtime
            .block_on(PgConnection::connect(url))
            .unwrap_or_else(|error| panic!("could not connect to {url}: {error}"));
        Self {
            runtime,
            connection,
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if std::thread::panicking() {
            told(&format!("kept for a look: psql '{}'", self.url()));
            return;
        }
        let admin = std::mem::ManuallyDrop::new(Self {
            name: "postgres".to_owned(),
        });
        admin.run(&format!(
            "DROP DATABASE IF EXISTS {} WITH (FORCE)",
            self.name
        ));
    }
}

/// Says something that the harness shows with the failed test.
fn told(text: &str) {
    println!("{text}");
}

/// A connection, driven step by step.
pub struct Session {
    runtime: tokio::runtime::Runtime,
    connection: PgConnection,
}

impl Session {
    /// Runs statements.
    #[track_caller]
    pub fn run(&mut self, sql: &str) {
        if let Err(error) = self.attempt(sql) {
            panic!("{error}\n{sql}");
        }
    }

    /// Runs statements that may fail. Gives the rows changed, or "SQLSTATE message".
    pub fn attempt(&mut self, sql: &str) -> Result<u64, String> {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        self.runtime
            .block_on(sql.execute(&mut self.connection))
            .map(|done| done.rows_affected())
            .map_err(|error| word(&error))
    }

    /// The first value of the first row, as text.
    #[track_caller]
    pub fn one(&mut self, sql: &str) -> String {
        self.rows(sql)
            .first()
            .and_then(|row| row.first())
            .cloned()
            .unwrap_or_else(|| panic!("no row: {sql}"))
    }

    /// All rows, as text.
    #[track_caller]
    pub fn rows(&mut self, sql: &str) -> Vec<Vec<String>> {
        let query = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        match self.runtime.block_on(query.fetch_all(&mut self.connection)) {
            Ok(rows) => rows.iter().map(texts).collect(),
            Err(error) => panic!("{}\n{sql}", word(&error)),
        }
    }
}

fn word(error: &sqlx::Error) -> String {
    match error.as_database_error() {
        Some(server) => format!("{} {}", server.code().unwrap_or_default(), server.message()),
        None => error.to_string(),
    }
}

fn texts(row: &PgRow) -> Vec<String> {
    (0..row.columns().len())
        .map(|column| match row.try_get_raw(column) {
            Ok(value) if value.is_null() => "NULL".to_owned(),
            Ok(value) => value.as_str().unwrap_or("?").to_owned(),
            Err(error) => error.to_string(),
        })
        .collect()
}
