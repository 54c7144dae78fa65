//! The drift corpus: every file of `tests/drift/cases` is one change of a database. Each must be
//! found, named at the right object, and nothing else reported; and where a repair is offered, the
//! database verifies clean after it.
//!
//! The corpus has a server of its own, because roles belong to a whole server.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use edu::catalog::Catalog;
use edu::catalog::name::quote_ident;
use edu::diff::{Difference, Severity, compare};
use edu::pg::inspect::inspect;
use edu::render::repair;
use edu::server::Ephemeral;
use edu::server::ephemeral::Options;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection};

use crate::support::{Project, edu, major, runtime};

const ROLES: [&str; 3] = ["edusphere_owner", "edusphere_app", "edusphere_login"];
const BASE: &str = "drift_base";

/// One file of the corpus.
struct Case {
    name: String,
    finds: String,
    sql: String,
    undo: Option<String>,
    faked: bool,
    from: u16,
}

fn cases() -> Vec<Case> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder().join("cases"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files.iter().map(|file| case(file)).collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/drift")
}

fn case(file: &Path) -> Case {
    let text = fs::read_to_string(file).unwrap();
    let header = |key: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(&format!("-- {key}: ")))
            .map(str::to_owned)
    };
    Case {
        name: file.file_stem().unwrap().to_string_lossy().into_owned(),
        finds: header("finds").expect("a case says what it finds"),
        undo: header("undo"),
        faked: header("faked").is_some(),
        from: header("from").map_or(16, |major| major.parse().unwrap()),
        sql: text,
    }
}

/// A server with the base database.
struct Stage {
    server: Ephemeral,
    runtime: tokio::runtime::Runtime,
}

impl Stage {
    fn new() -> Self {
        let guard = Path::new(env!("CARGO_BIN_EXE_edu"));
        let server = Ephemeral::start(runtime(), guard, &Options::default()).unwrap();
        let url = server.url(BASE, "postgres");
        for step in [&["bootstrap", "--create"][..], &["migrate"]] {
            edu(
                &Project::root(),
                &[&["db"], step, &["--url", &url]].concat(),
            )
            .expect(0);
        }
        let stage = Self {
            server,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
        };
        stage
            .run(
                BASE,
                &fs::read_to_string(folder().join("base.sql")).unwrap(),
            )
            .unwrap();
        stage
    }

    fn connect(&self, database: &str) -> PgConnection {
        let url = self.server.url(database, "postgres");
        self.runtime.block_on(PgConnection::connect(&url)).unwrap()
    }

    fn run(&self, database: &str, sql: &str) -> Result<(), String> {
        let mut connection = self.connect(database);
        let done = self
            .runtime
            .block_on(sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection))
            .map(drop)
            .map_err(|error| error.to_string());
        let _ = self.runtime.block_on(connection.close());
        done
    }

    fn read(&self, database: &str, roles: &[String]) -> Catalog {
        let roles: Vec<&str> = ROLES
            .into_iter()
            .chain(roles.iter().map(String::as_str))
            .collect();
        let mut connection = self.connect(database);
        let catalog = self
            .runtime
            .block_on(inspect(&mut connection, &roles))
            .unwrap();
        let _ = self.runtime.block_on(connection.close());
        catalog
    }

    /// A copy of the base database, with its settings and privileges, which a template lacks. A
    /// subscription stays with the database it was made in.
    fn copy(&self, name: &str) {
        self.run(
            "postgres",
            &format!("CREATE DATABASE {name} TEMPLATE {BASE} STRATEGY file_copy"),
        )
        .unwrap();
        self.run("postgres", &format!(
            "INSERT INTO pg_db_role_setting SELECT n.oid, s.setrole, s.setconfig FROM pg_db_role_setting s
             JOIN pg_database t ON t.oid = s.setdatabase AND t.datname = '{BASE}'
             JOIN pg_database n ON n.datname = '{name}';
             UPDATE pg_database SET datacl = (SELECT datacl FROM pg_database WHERE datname = '{BASE}')
             WHERE datname = '{name}'"
        )).unwrap();
        self.run(
            name,
            "CREATE SUBSCRIPTION papers CONNECTION 'host=nowhere dbname=x' PUBLICATION other
             WITH (connect = false, enabled = false, slot_name = NONE)",
        )
        .unwrap();
    }

    fn drop(&self, name: &str) {
        let _ = self.run(name, "DROP SUBSCRIPTION IF EXISTS papers");
        self.run("postgres", &format!("DROP DATABASE {name} WITH (FORCE)"))
            .unwrap();
    }

    /// What is wrong with one case; nothing when it is found alone and its repair repairs.
    fn judge(&self, case: &Case, expected: &Catalog) -> (Option<String>, bool) {
        let name = "drift_case";
        self.copy(name);
        let outcome = self.attempt(case, expected, name);
        self.drop(name);
        if let Some(undo) = &case.undo {
            self.run("postgres", undo).unwrap();
        }
        match outcome {
            Ok(repaired) => (None, repaired),
            Err(why) => (Some(format!("{}: {why}", case.name)), false),
        }
    }

    fn attempt(&self, case: &Case, expected: &Catalog, name: &str) -> Result<bool, String> {
        let statements = case.sql.replace(":database", &quote_ident(name));
        self.run(name, &statements)
            .map_err(|error| format!("the change failed: {error}"))?;
        let actual = self.read(name, &expected.roles());
        let found = compare(expected, &actual);
        let told: Vec<String> = found
            .iter()
            .map(|d| format!("{} | {}", d.code(), d.id))
            .collect();
        if told != [case.finds.clone()] {
            return Err(format!("expected [{}], found {told:?}", case.finds));
        }
        if found[0].consequence.is_empty() {
            return Err("nothing is said about what follows".to_owned());
        }
        if case.faked {
            return Ok(false);
        }
        self.mend(&found[0], expected, &actual, name)
    }

    fn mend(
        &self,
        found: &Difference,
        expected: &Catalog,
        actual: &Catalog,
        name: &str,
    ) -> Result<bool, String> {
        let Some(sql) = repair(found, expected, actual, name) else {
            return Ok(false);
        };
        self.run(name, &sql)
            .map_err(|error| format!("the repair failed: {error}\n{sql}"))?;
        let left: Vec<String> = compare(expected, &self.read(name, &expected.roles()))
            .iter()
            // A column made again stands last: worth a note, and no drift.
            .filter(|d| d.severity != Severity::Note)
            .map(|d| format!("{}: {}", d.id, d.words()))
            .collect();
        if left.is_empty() {
            Ok(true)
        } else {
            Err(format!("after the repair there is still {left:?}\n{sql}"))
        }
    }
}

#[test]
fn every_drift_is_found_alone_and_mended_where_a_repair_is_offered() {
    let stage = Stage::new();
    stage.copy("drift_same");
    let expected = stage.read("drift_same", &[]);
    stage.drop("drift_same");
    let cases = cases();
    assert!(cases.len() >= 120, "the corpus has {} cases", cases.len());
    let mut wrong = Vec::new();
    let mut repaired = 0;
    let mut ran = 0;
    let mut kinds = BTreeSet::new();
    for case in cases.iter().filter(|case| case.from <= major()) {
        let (problem, mended) = stage.judge(case, &expected);
        wrong.extend(problem);
        repaired += usize::from(mended);
        ran += 1;
        kinds.insert(case.finds.split(" | ").next().unwrap_or("").to_owned());
    }
    assert!(repaired >= 150, "{repaired} of {ran} were repaired");
    assert!(
        wrong.is_empty(),
        "{} of {ran} ({} codes, {repaired} repaired):\n{}",
        wrong.len(),
        kinds.len(),
        wrong.join("\n")
    );
}
