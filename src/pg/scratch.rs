//! Scratch databases: what the project's files give on an empty database, read by the same inspector
//! that reads the live one. So the server, not a parser of ours, says what a file means.

use std::time::Duration;

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::error::statement_failure;
use super::migrate::{self, Context, Plan, Provenance, Stage};
use super::{Cancel, Server, Work, bootstrap, graph, index, inspect, session};
use crate::catalog::Catalog;
use crate::catalog::name::quote_ident;
use crate::failure::{Failure, Result};
use crate::progress::{Progress, Report};
use crate::spec::document::Document;
use crate::spec::manifest::Manifest;
use crate::spec::migration::Migration;
use crate::spec::ontology::Ontology;
use crate::spec::vectors::{IterativeScan, Method, VectorIndex, VectorSpec};
use crate::sql::Source;
use crate::sql::split::split;

/// The database every cluster has.
const MAINTENANCE: &str = "postgres";

/// Nobody else works on a scratch database.
const LOCK_TIMEOUT: Duration = Duration::from_secs(60);

/// What a project wants, as parsed files.
pub struct Wanted<'a> {
    /// `edu.toml`.
    pub manifest: &'a Manifest,
    /// The migrations, by version.
    pub migrations: &'a [Migration],
    /// `spec/schema/*.sql`, by path.
    pub schema: &'a [Document],
    /// The graph, if the project has one.
    pub ontology: Option<&'a Ontology>,
    /// The vector indexes, and how they are searched.
    pub vectors: &'a VectorSpec,
}

/// Which files make the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// The spec: `spec/schema/*.sql`, the graph and the vector indexes.
    Spec,
    /// The migrations up to a version, or all; after all of them graph and vector indexes too.
    Migrations(Option<i64>),
    /// The migrations up to a version and nothing else, so that what one of them does is told from the next.
    Step(i64),
}

/// A scratch database, empty at first. It is dropped by [`Scratch::drop_it`].
pub struct Scratch {
    /// How to reach it.
    pub server: Server,
}

impl Scratch {
    /// Creates an empty database with a name of its own on the server that `admin` leads to.
    ///
    /// # Errors
    /// Exit 7 or 8 when the server cannot be reached or the role may not create databases.
    pub async fn create(admin: &Server) -> Result<Self> {
        let name = format!("edu_scratch_{}", uuid::Uuid::new_v4().simple());
        let maintenance = admin.with_database(MAINTENANCE);
        let (mut connection, _) = session::open(&maintenance, "edu scratch").await?;
        let sql = format!("CREATE DATABASE {} TEMPLATE template0", quote_ident(&name));
        session::run(&mut connection, &sql, "create a scratch database").await?;
        Ok(Self {
            server: admin.with_database(&name),
        })
    }

    /// Drops the database. A failure is of no use to the caller: the server is temporary, or the
    /// name says what it is.
    pub async fn drop_it(self) {
        let maintenance = self.server.with_database(MAINTENANCE);
        if let Ok((mut connection, _)) = session::open(&maintenance, "edu scratch").await {
            let sql = format!(
                "DROP DATABASE IF EXISTS {} WITH (FORCE)",
                quote_ident(self.server.database())
            );
            let _ = session::run(&mut connection, &sql, "drop a scratch database").await;
        }
    }
}

/// The catalog that the files give, on a scratch database that is dropped again.
///
/// # Errors
/// Those of the files: exit 5 with the place in the file.
pub async fn catalog(
    admin: &Server,
    wanted: &Wanted<'_>,
    from: From,
    report: Report<'_>,
) -> Result<Catalog> {
    within(admin, wanted, from, report, async |server| {
        let (mut connection, _) = session::open(server, "edu scratch").await?;
        inspect::of_project(&mut connection, wanted.manifest, &[]).await
    })
    .await
}

/// Does `work` in a scratch database that has what the files give. It is dropped again.
///
/// # Errors
/// Those of the files: exit 5 with the place in the file; those of `work`.
pub async fn within<T>(
    admin: &Server,
    wanted: &Wanted<'_>,
    from: From,
    report: Report<'_>,
    work: impl AsyncFnOnce(&Server) -> Result<T>,
) -> Result<T> {
    let scratch = Scratch::create(admin).await?;
    let outcome = match fill(&scratch.server, wanted, from, report).await {
        Ok(()) => work(&scratch.server).await,
        Err(failure) => Err(failure),
    };
    scratch.drop_it().await;
    outcome
}

/// Makes in an empty database what the files want.
///
/// # Errors
/// As [`catalog`].
pub async fn fill(
    server: &Server,
    wanted: &Wanted<'_>,
    from: From,
    report: Report<'_>,
) -> Result<()> {
    let manifest = wanted.manifest;
    let context = Context::new(&manifest.name, "edu scratch", Provenance::default);
    let (migrations, timeout) = (wanted.migrations, LOCK_TIMEOUT);
    bootstrap::run(server, manifest, migrations, &context, timeout, report).await?;
    let owner = manifest.roles.owner.as_deref();
    let mut work = Work::begin(server, "edu scratch", LOCK_TIMEOUT, report).await?;
    match from {
        From::Spec => {
            report(Progress::stage("applying the spec to a scratch database"));
            later_superuser_steps(&mut work.connection, wanted.migrations).await?;
            spec(&mut work.connection, owner, wanted.schema).await?;
            search(&mut work.connection, server.database(), wanted.vectors).await?;
            report(Progress::Done);
        }
        From::Migrations(to) => migrate_to(&mut work, wanted, to, report).await?,
        From::Step(to) => migrate_to(&mut work, wanted, Some(to), report).await?,
    }
    let partial = match from {
        From::Migrations(Some(to)) => wanted.migrations.last().is_some_and(|l| l.version > to),
        From::Step(_) => true,
        From::Migrations(None) | From::Spec => false,
    };
    if !partial {
        if let Some(ontology) = wanted.ontology {
            let options = graph::Options::default();
            graph::apply(&mut work.connection, manifest, ontology, options, report).await?;
        }
        let site = index::Site {
            server,
            owner,
            dims: manifest.vectors.as_ref().map(|vectors| vectors.dimensions),
            local: None,
            options: index::Options::default(),
            cancel: &Cancel::default(),
        };
        index::ensure(&mut work.connection, &site, &wanted.vectors.indexes, report).await?;
    }
    work.end().await;
    Ok(())
}

/// Superuser steps that stand between ordinary migrations bring extensions that the spec needs.
async fn later_superuser_steps(
    connection: &mut PgConnection,
    migrations: &[Migration],
) -> Result<()> {
    let later = migrations
        .iter()
        .skip_while(|migration| migration.needs_superuser())
        .filter(|migration| migration.needs_superuser());
    for migration in later {
        migrate::repeat(connection, migration).await?;
    }
    Ok(())
}

async fn migrate_to(
    work: &mut Work,
    wanted: &Wanted<'_>,
    to: Option<i64>,
    report: Report<'_>,
) -> Result<()> {
    let name = &wanted.manifest.name;
    let context = Context::new(name, "edu scratch", Provenance::default);
    loop {
        let mut applied = 0;
        for stage in [Stage::Bootstrap, Stage::Ordinary] {
            let plan = Plan {
                to,
                ..Plan::new(wanted.manifest, wanted.migrations, stage, &context)
            };
            session::reset(&mut work.connection).await?;
            let due = migrate::due(&mut work.connection, &plan).await?;
            if due.is_empty() {
                continue;
            }
            applied += migrate::run(&mut work.connection, &work.lock, &plan, report)
                .await?
                .done
                .len();
        }
        if applied == 0 {
            return Ok(());
        }
    }
}

/// Sets for the database what spec/vectors.toml says of searches: it is wanted of every database.
async fn search(connection: &mut PgConnection, database: &str, vectors: &VectorSpec) -> Result<()> {
    let Some(scan) = vectors.iterative_scan else {
        return Ok(());
    };
    let flat = |index: &VectorIndex| matches!(index.method, Method::Ivfflat { .. });
    let of_hnsw = vectors.indexes.is_empty() || !vectors.indexes.iter().all(flat);
    let of_ivfflat = vectors.indexes.iter().any(flat);
    let methods = [("hnsw", of_hnsw), ("ivfflat", of_ivfflat)];
    for (method, _) in methods.iter().filter(|(_, used)| *used) {
        let value = match scan {
            // ivfflat cannot keep the order.
            IterativeScan::StrictOrder if *method == "ivfflat" => IterativeScan::RelaxedOrder,
            scan => scan,
        };
        let change = match value {
            IterativeScan::Off => format!("RESET {method}.iterative_scan"),
            value => format!("SET {method}.iterative_scan = '{}'", value.as_str()),
        };
        let sql = format!("ALTER DATABASE {} {change}", quote_ident(database));
        session::run(
            connection,
            &sql,
            "set what spec/vectors.toml says of searches",
        )
        .await?;
    }
    Ok(())
}

/// Runs the schema files as the owner, each in one transaction.
async fn spec(
    connection: &mut PgConnection,
    owner: Option<&str>,
    schema: &[Document],
) -> Result<()> {
    for document in schema {
        let script = split(Source {
            path: &document.path,
            text: &document.text,
        })?;
        session::reset(connection).await?;
        session::become_role(connection, owner).await?;
        session::run(connection, "BEGIN", "begin a transaction").await?;
        for statement in &script.statements {
            sqlx::raw_sql(AssertSqlSafe(statement.text.clone()))
                .execute(&mut *connection)
                .await
                .map_err(|error| {
                    statement_failure(document, statement.body.start, &statement.text, &error)
                        .detail("This was a scratch database; no other was touched.")
                })?;
        }
        session::run(connection, "COMMIT", "commit the spec").await?;
    }
    session::reset(connection).await
}

/// Reads the majors and extension versions of a server that scratch databases are made on, and
/// insists that they are the live server's.
///
/// # Errors
/// Exit 2 when the majors differ: expressions and defaults are worded otherwise by another major.
pub async fn insist_on_major(admin: &Server, major: u16) -> Result<()> {
    let (_, identity) = session::open(&admin.with_database(MAINTENANCE), "edu scratch").await?;
    if identity.major() == major {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "the scratch server is PostgreSQL {}, the database's server {major}",
        identity.major()
    ))
    .hint("Give --scratch-url a server of the same major, or leave it out."))
}

/// Runs statements one by one, as `owner`, each in a transaction of its own.
///
/// # Errors
/// By SQLSTATE, with the statement; the ones before it stay.
pub async fn apply(
    connection: &mut PgConnection,
    owner: Option<&str>,
    statements: &[&str],
) -> Result<()> {
    session::reset(connection).await?;
    session::become_role(connection, owner).await?;
    // A function may come before the table that its text names.
    session::run(
        connection,
        "SET check_function_bodies = off",
        "prepare the session",
    )
    .await?;
    for statement in statements {
        sqlx::raw_sql(AssertSqlSafe((*statement).to_owned()))
            .execute(&mut *connection)
            .await
            .map_err(|error| {
                super::error::failure("run a generated statement", &error)
                    .detail(format!("The statement was: {statement}"))
            })?;
    }
    session::reset(connection).await
}
