//! One run that the plug is pulled at, the next run, and what must be the same afterwards.

use std::sync::OnceLock;

use sqlx::{Connection, Row};

use crate::support::{Cut, Project, Proxy, migrations, runtime, start, tcp_server, until};

/// Which run it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// `edu db migrate`
    There,
    /// `edu db rollback`
    Back,
}

impl Way {
    fn command(self) -> &'static [&'static str] {
        match self {
            Self::There => &["db", "migrate"],
            Self::Back => &["db", "rollback", "--to", "1", "--yes"],
        }
    }

    fn project(self) -> Project {
        match self {
            Self::There => up(),
            Self::Back => down(),
        }
    }

    /// A database in which the run has all before it.
    fn fresh(self, database: &str) {
        static MIGRATED: OnceLock<()> = OnceLock::new();
        match self {
            Self::There => fresh(database),
            Self::Back => {
                MIGRATED.get_or_init(|| {
                    fresh("migrated");
                    let url = tcp_server().url("migrated", "postgres");
                    let migrate = ["db", "migrate", "--url", &url];
                    self.project().edu(&migrate).expect(0);
                });
                clone(database, "migrated");
            }
        }
    }

    /// What an undisturbed run gives, and how many messages it takes. Its last file always fails.
    pub fn undisturbed(self) -> &'static (String, usize) {
        static STATES: [OnceLock<(String, usize)>; 2] = [OnceLock::new(), OnceLock::new()];
        STATES[usize::from(self == Self::Back)].get_or_init(|| {
            let database = format!("undisturbed_{self:?}").to_lowercase();
            self.fresh(&database);
            let proxy = Proxy::start(tcp_server().port, Cut::Never, 0);
            let url = through(&proxy, &database);
            let words = [self.command(), &["--url", &url]].concat();
            self.project().edu(&words).expect(5);
            (state(&database), proxy.seen())
        })
    }

    /// Pulls the plug at one message, runs again, and compares.
    pub fn survives(self, cut: Cut, at: usize, turn: usize) {
        let (wanted, _) = self.undisturbed();
        let database = format!("k{at}_{turn}_{self:?}_{cut:?}").to_lowercase();
        let project = self.project();
        self.fresh(&database);
        let proxy = Proxy::start(tcp_server().port, cut, at);
        let url = through(&proxy, &database);
        let words = [self.command(), &["--url", &url]].concat();
        let running = start(project.path(), &words, &[]);
        proxy.client(running.pid());
        let run = running.wait();
        let told = format!(
            "{self:?}, {cut:?} at {at}: exit {}\n{}",
            run.code, run.stderr
        );
        assert!(matches!(run.code, -1 | 5 | 6 | 7 | 9), "{told}");
        assert!(!run.stderr.contains(&tcp_server().password), "{told}");
        drop(proxy);
        until("the server has noticed", || {
            sql(
                &database,
                "SELECT count(*)::text FROM pg_stat_activity WHERE application_name LIKE 'edu%' AND datname = current_database()",
            ) == ["0"]
        });
        let direct = tcp_server().url(&database, "postgres");
        let again = project.edu(&[self.command(), &["--url", &direct]].concat());
        assert_eq!(again.code, 5, "again: {}\nafter {told}", again.stderr);
        let found = state(&database);
        let differs = difference(wanted, &found);
        assert!(found == *wanted, "{differs}\nafter {told}");
        sql(
            "postgres",
            &format!("DROP DATABASE {database} WITH (FORCE)"),
        );
    }
}

/// The same kinds of files on the way back, of which the last always fails.
fn down() -> Project {
    let project = migrations(&[
        "CREATE TABLE a (i int);\nCREATE TABLE log (step text);",
        "CREATE TABLE kept (i int);",
        "ALTER TABLE a ADD COLUMN k text;\nCREATE INDEX a_i ON a (i);",
        "CREATE TABLE b (i int REFERENCES log2 (i));",
        "-- edu: no-transaction\nCREATE INDEX CONCURRENTLY a_k ON a (k);\nCREATE INDEX CONCURRENTLY a_j ON a ((i + 1));",
        "ALTER TABLE b ADD COLUMN k text;",
    ]);
    for (file, text) in [
        (
            "V0006",
            "ALTER TABLE b DROP COLUMN k;\nINSERT INTO log VALUES ('6');",
        ),
        (
            "V0005",
            "-- edu: no-transaction\nINSERT INTO log VALUES ('5a');\nDROP INDEX CONCURRENTLY public.a_k;\nVACUUM a;\n\
             CREATE INDEX CONCURRENTLY a_h ON public.a ((i + 2));\nINSERT INTO log VALUES ('5b');\n\
             REINDEX INDEX CONCURRENTLY public.a_h;\nDROP INDEX CONCURRENTLY public.a_j;",
        ),
        ("V0004", "DROP TABLE b;\nINSERT INTO log VALUES ('4');"),
        (
            "V0003",
            "-- edu: no-transaction\nDROP INDEX CONCURRENTLY public.a_h;\nALTER TABLE a DROP COLUMN k;\n\
             INSERT INTO log VALUES ('3');",
        ),
        ("V0002", "DROP TABLE kept;\nSELECT 1 / 0;"),
    ] {
        project.write(&format!("migrations/{file}__step.down.sql"), text);
    }
    project
}

/// Transactional, without a transaction, concurrent, and one that always fails.
fn up() -> Project {
    migrations(&[
        "CREATE TABLE a (i int);\nCREATE TYPE mood AS ENUM ('calm');\nCREATE TABLE log (step text);",
        "-- edu: no-transaction\nINSERT INTO log VALUES ('2a');\n\
         CREATE INDEX CONCURRENTLY a_i ON a (i);\nALTER TYPE mood ADD VALUE 'glad';\n\
         INSERT INTO log VALUES ('2b');\nREINDEX INDEX CONCURRENTLY a_i;\nVACUUM a;\n\
         CREATE INDEX CONCURRENTLY a_j ON a ((i + 1));\nDROP INDEX CONCURRENTLY a_j;",
        "ALTER TABLE a ADD COLUMN k text;\nINSERT INTO log VALUES ('3');",
        "CREATE TABLE b (i int REFERENCES log2 (i));\n",
        "CREATE TABLE never (i int);\nSELECT 1 / 0;",
    ])
}

pub fn sql(database: &str, text: &str) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let url = tcp_server().url(database, "postgres");
        let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(text.to_owned()))
            .fetch_all(&mut connection)
            .await
            .unwrap_or_else(|error| panic!("{error}: {text}"))
            .iter()
            .map(|row| {
                row.try_get::<Option<String>, _>(0)
                    .ok()
                    .flatten()
                    .unwrap_or_default()
            })
            .collect()
    })
}

/// All that must be the same however often the plug was pulled.
fn state(database: &str) -> String {
    let dump = runtime()
        .command("pg_dump")
        .args([
            "-s",
            "--restrict-key=x",
            "-d",
            &tcp_server().url(database, "postgres"),
        ])
        .output()
        .expect("pg_dump");
    assert!(
        dump.status.success(),
        "{}",
        String::from_utf8_lossy(&dump.stderr)
    );
    let facts = sql(
        database,
        "SELECT string_agg(version || ' ' || name || ' ' || checksum, ', ' ORDER BY version) FROM refinery_schema_history
         UNION ALL SELECT 'log ' || string_agg(step, ' ' ORDER BY step) FROM log
         UNION ALL SELECT 'invalid ' || count(*) FROM pg_index WHERE NOT indisvalid
         UNION ALL SELECT 'journal ' || count(*) FROM edu.journal
         UNION ALL SELECT 'steps ' || string_agg(DISTINCT version || outcome, ' ') FROM edu.run_step WHERE outcome IN ('applied', 'rolled back')
         UNION ALL SELECT 'memory ' || string_agg(version::text, ' ' ORDER BY version) FROM edu.migration
         UNION ALL SELECT 'open runs ' || count(*) FROM edu.run WHERE ended_at IS NULL
         UNION ALL SELECT 'locks ' || count(*) FROM pg_locks WHERE locktype = 'advisory'
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    );
    format!(
        "{}\n{}",
        facts.join("\n"),
        String::from_utf8_lossy(&dump.stdout)
    )
}

pub fn fresh(database: &str) {
    clone(database, "template0");
    sql(database, "CREATE TABLE log2 (i int PRIMARY KEY)");
}

fn clone(database: &str, template: &str) {
    sql(
        "postgres",
        &format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)"),
    );
    sql(
        "postgres",
        &format!("CREATE DATABASE {database} TEMPLATE {template} STRATEGY file_copy"),
    );
}

pub fn through(proxy: &Proxy, database: &str) -> String {
    let password = &tcp_server().password;
    let port = proxy.port;
    format!("postgresql://postgres:{password}@127.0.0.1:{port}/{database}?sslmode=disable")
}

fn difference(wanted: &str, found: &str) -> String {
    let missing = wanted
        .lines()
        .filter(|line| !found.contains(line))
        .map(|l| format!("- {l}"));
    let more = found
        .lines()
        .filter(|line| !wanted.contains(line))
        .map(|l| format!("+ {l}"));
    missing.chain(more).collect::<Vec<_>>().join("\n")
}
