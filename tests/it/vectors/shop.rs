//! A small shop with a table of vectors, and edu running beside the test.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Database, Project, Run, Session, Template, database};

/// How long anything in these tests may take.
pub const DEADLINE: Duration = crate::support::WAIT_MAX;

/// The declaration of the one index, with more lines for it.
pub fn declared(more: &str) -> String {
    format!(
        "[[index]]\nname = \"item_e\"\ntable = \"public.item\"\ncolumn = \"e\"\nmethod = \"hnsw\"\n\
         opclass = \"vector_cosine_ops\"\n{more}\n"
    )
}

/// A project with these indexes, and its database.
pub struct Shop {
    pub project: Project,
    pub db: Database,
}

impl Shop {
    /// `rows` items of 32 dimensions, two hundred to a tenant, without an index.
    pub fn new(vectors: &str, rows: u32) -> Self {
        let project = Project::new(&[("spec/vectors.toml", vectors)]);
        let db = database(Template::Empty);
        db.run(&format!(
            "CREATE EXTENSION vector;
             CREATE TABLE item (id int PRIMARY KEY, tenant int NOT NULL, e vector(32));
             INSERT INTO item SELECT i, i / 200, ARRAY(SELECT random() - 0.5
                 FROM generate_series(1, 32) g WHERE g > i - i)::vector FROM generate_series(1, {rows}) i;
             ANALYZE item"
        ));
        Self { project, db }
    }

    /// `rows` items in a hundred clusters, of which tenant 1 has 40 %, tenant 2 has 5 %, and three others
    /// share the rest.
    pub fn clustered(&self, rows: u32) {
        self.db.run(&format!(
            "INSERT INTO item SELECT i, CASE WHEN i % 20 < 8 THEN 1 WHEN i % 20 = 8 THEN 2 ELSE 3 + i % 3 END,
                    ARRAY(SELECT sin(g * ((hashint4(i) & 65535) % 100) * 1.7) + (random() - 0.5) / 2
                          FROM generate_series(1, 32) g WHERE g > i - i)::vector
             FROM generate_series(1, {rows}) i;
             ANALYZE item"
        ));
    }

    /// Gives the shop an application's role, bound to the rows of its tenant.
    pub fn isolated(&self) {
        let role = format!("app_{}", self.db.name);
        self.project.write(
            "edu.toml",
            &format!(
                "name = \"shop\"\n[roles]\napplication = \"{role}\"\n[context]\ntenant = \"shop.tenant\"\n"
            ),
        );
        let tenant = "\"tenant\"";
        self.project.write(
            "spec/access.toml",
            &format!(
                "[[table]]\nname = \"public.item\"\ntenant = {tenant}\naccess.{role} = {{ select = {tenant}, \
                 insert = {tenant}, update = {tenant}, delete = {tenant} }}\n"
            ),
        );
        self.db.run(&format!(
            "CREATE ROLE {role}; GRANT SELECT ON item TO {role}; ALTER TABLE item ENABLE ROW LEVEL SECURITY;
             CREATE POLICY own ON item TO {role}
             USING (tenant = NULLIF(current_setting('shop.tenant', true), '')::int)"
        ));
    }

    /// Runs edu on the shop's database.
    pub fn edu(&self, args: &[&str]) -> Run {
        self.project
            .edu(&[args, &["--url", &self.db.url()]].concat())
    }

    /// Starts edu on the shop's database.
    pub fn start(&self, args: &[&str]) -> Running {
        Running::start(&self.project, &[args, &["--url", &self.db.url()]].concat())
    }

    /// A transaction that has a snapshot and keeps it: a build cannot end beside it.
    pub fn old_snapshot(&self) -> Session {
        let mut session = self.db.session("postgres");
        session.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM pg_class LIMIT 1");
        session
    }

    /// A transaction that has written a row: a build cannot begin beside it.
    pub fn old_writer(&self) -> Session {
        let mut session = self.db.session("postgres");
        session.run(
            "SET application_name = 'slow writer'; BEGIN; UPDATE item SET tenant = 0 WHERE id = 1",
        );
        session
    }

    /// Waits until a build is in a phase that starts with `phase`; gives its pid.
    pub fn await_phase(&self, phase: &str) -> i32 {
        let sql = format!(
            "SELECT pid FROM pg_stat_progress_create_index
             WHERE phase LIKE '{phase}%' AND datname = '{}'",
            self.db.name
        );
        let pid = until(&format!("a build that is {phase}"), || {
            self.db.rows(&sql).first().map(|row| row[0].clone())
        });
        pid.parse().expect("a pid")
    }

    /// Waits until no backend of edu's builds is left.
    pub fn await_no_build(&self) {
        until("the end of the build", || {
            let left = self.db.one(&format!(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}'
                 AND (application_name LIKE 'edu db index%' OR query LIKE 'CREATE INDEX%'
                      AND state = 'active' AND pid <> pg_backend_pid())",
                self.db.name
            ));
            (left == "0").then_some(())
        });
    }

    /// The indexes on vectors: name, valid, ready.
    pub fn indexes(&self) -> Vec<String> {
        self.db
            .rows(
                "SELECT c.relname || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END
                        || CASE WHEN i.indisready THEN '' ELSE ' not ready' END
                 FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
                 WHERE a.amname IN ('hnsw', 'ivfflat') ORDER BY 1",
            )
            .into_iter()
            .map(|row| row[0].clone())
            .collect()
    }

    /// Runs edu once more: everything is mended, and a further run has nothing to do.
    #[track_caller]
    pub fn mended(&self) {
        self.edu(&["db", "index"]).expect(0);
        assert_eq!(self.indexes(), ["item_e"]);
        let again = self.edu(&["db", "index"]).expect(0);
        assert!(again.says("item_e: valid, as declared"), "{again:?}");
    }
}

/// Polls until `ready` gives something.
#[track_caller]
pub fn until<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// edu, running beside the test.
pub struct Running {
    child: Child,
    lines: Receiver<String>,
    heard: Vec<String>,
}

impl Running {
    pub fn start(project: &Project, args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_edu"));
        command
            .args(args)
            .current_dir(project.path())
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for name in ["PATH", "HOME"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        let mut child = command.spawn().expect("edu could not be run");
        let (sender, lines) = channel();
        let out = child.stdout.take().expect("stdout");
        let err = child.stderr.take().expect("stderr");
        let other = sender.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let _ = other.send(line);
            }
        });
        std::thread::spawn(move || {
            for line in BufReader::new(err).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self {
            child,
            lines,
            heard: Vec::new(),
        }
    }

    /// Waits until edu prints a line with `text`.
    #[track_caller]
    pub fn hear(&mut self, text: &str) {
        let deadline = Instant::now() + DEADLINE;
        while let Ok(line) = self
            .lines
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            let there = line.contains(text);
            self.heard.push(line);
            if there {
                return;
            }
        }
        panic!("\"{text}\" was not said:\n{}", self.heard.join("\n"));
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().cast_signed()).expect("a pid");
        kill_process(pid, signal).expect("the signal");
    }

    /// Waits for the end: the exit code, and all lines that were printed.
    pub fn end(mut self) -> (i32, String) {
        let status = self.child.wait().expect("the end");
        self.heard.extend(self.lines.iter());
        (status.code().unwrap_or(-1), self.heard.join("\n"))
    }
}
