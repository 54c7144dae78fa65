//! `edu db rls` on the forms that policies take: helper functions with and without a fallback, tenants
//! by way of foreign keys, membership by sub-select and by function, rows of a user, doors for look-ups;
//! and on the same policies as they are often first written, each with the finding that has to come.

use std::collections::BTreeSet;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use crate::support::{Project, Session, edu, tcp_server};

const MANIFEST: &str = "name = \"forms\"\n[roles]\nowner = \"form_owner\"\napplication = \"form_app\"\nlogin = \"form_login\"\n[context]\n";

/// A tenant's table of the usual form.
const TENANT: &str = "access.form_app = { select = \"tenant\", insert = \"tenant\", update = \"tenant\", delete = \"tenant\" }\n";

fn session(database: &str) -> Session {
    let server = tcp_server();
    static ROLES: Once = Once::new();
    ROLES.call_once(|| {
        Session::at(&server.url("postgres", "postgres")).run(
            "CREATE ROLE form_owner NOLOGIN; CREATE ROLE form_lookup NOLOGIN BYPASSRLS; CREATE ROLE form_app NOLOGIN;
             CREATE ROLE form_login LOGIN NOINHERIT; GRANT form_app TO form_login WITH INHERIT FALSE, SET TRUE",
        );
    });
    Session::at(&server.url(database, "postgres"))
}

/// A database with a schema that form_owner made.
struct Case {
    database: String,
    project: Project,
}

fn case(context: &str, schema: &str, access: &str) -> Case {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let database = format!("form_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    session("postgres").run(&format!("CREATE DATABASE {database} TEMPLATE template0"));
    let mut session = session(&database);
    session.run("GRANT CREATE, USAGE ON SCHEMA public TO form_owner; GRANT USAGE ON SCHEMA public TO form_app, form_lookup");
    session.run("ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC; ALTER DEFAULT PRIVILEGES FOR ROLE form_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC");
    session.run(&format!("SET ROLE form_owner; {schema}"));
    let access = format!("bypass = [\"form_owner\", \"form_lookup\"]\n{access}");
    let project = Project::new(&[
        ("edu.toml", &format!("{MANIFEST}{context}\n")),
        ("spec/access.toml", &access),
    ]);
    Case { database, project }
}

impl Case {
    /// What the engines find, as JSON.
    fn found(&self, engines: &str) -> Vec<Value> {
        let url = tcp_server().url(&self.database, "postgres");
        let args = [
            "db", "rls", "--here", "--engine", engines, "--output", "json", "--url", &url,
        ];
        let run = edu(self.project.path(), &args);
        let report: Value =
            serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr));
        let all = report["findings"].as_array().unwrap().iter();
        all.filter(|finding| finding["severity"] != "info")
            .cloned()
            .collect()
    }

    #[track_caller]
    fn clean(&self) {
        let told: Vec<String> = self.found("static,proof,probe").iter().map(line).collect();
        assert!(told.is_empty(), "{}", told.join("\n"));
    }

    /// Changes the schema as its owner.
    fn changed(&self, sql: &str) -> &Self {
        session(&self.database).run(&format!("SET ROLE form_owner; {sql}"));
        self
    }

    /// What one engine says of one object, or of a part of it.
    #[track_caller]
    fn says(&self, engine: &str, id: &str, object: &str, text: &str) {
        let found = self.found(engine);
        let meant = |finding: &&Value| {
            finding["id"] == id
                && finding["object"].as_str().unwrap().starts_with(object)
                && finding["message"].as_str().unwrap().contains(text)
        };
        let all: Vec<String> = found.iter().map(line).collect();
        assert!(
            found.iter().any(|one| meant(&one)),
            "no {id} on {object} with {text:?} in\n{}",
            all.join("\n")
        );
    }

    fn ids(&self, engine: &str) -> BTreeSet<String> {
        let found = self.found(engine);
        found
            .iter()
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect()
    }
}

fn line(finding: &Value) -> String {
    let word = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    format!(
        "{} {} {}: {}",
        word("engine"),
        word("id"),
        word("object"),
        word("message")
    )
}

fn table(name: &str, carried: &str) -> String {
    format!("[[table]]\nname = \"public.{name}\"\n{carried}\n{TENANT}")
}

fn exception(check: &str, objects: &[&str]) -> String {
    format!(
        "[[exception]]\ncheck = \"{check}\"\nobjects = {objects:?}\nreason = \"as the test wants it\"\n"
    )
}

/// ENABLE, FORCE and grants for tables.
fn secured(tables: &[&str]) -> String {
    let one = |table: &&str| {
        format!(
        "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
         GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO form_app;"
    )
    };
    tables.iter().map(one).collect()
}

mod directly;
mod entering;
mod members;
mod through;
