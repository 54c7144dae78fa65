//! What a superuser has to do once: extensions, roles, grants, the empty graph.
//!
//! The project's migrations that are marked `-- edu: role superuser` do it, and are written so that
//! running them again changes nothing. `edu.toml` says what must hold afterwards; that is proved.

use std::time::Duration;

use sqlx::Row;
use sqlx::postgres::PgConnection;

use super::Server;
use super::error::{failure, sqlstate};
use super::lock::{Lock, Purpose};
use super::migrate::{self, Context, Plan, Stage};
use super::pooler;
use super::session::{self, Identity};
use crate::catalog::name::quote_ident;
use crate::failure::{Exit, Failure, Result};
use crate::progress::{Progress, Report};
use crate::spec::manifest::Manifest;
use crate::spec::migration::Migration;

/// The database every cluster has, for what concerns the whole cluster.
pub(super) const MAINTENANCE: &str = "postgres";

/// What a bootstrap did.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The database was created.
    pub created: bool,
    /// The migrations that were applied.
    pub applied: Vec<migrate::Done>,
    /// The migrations that were run again because something they make was missing.
    pub repeated: Vec<String>,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut parts = Vec::new();
        if self.created {
            parts.push("database created".to_owned());
        }
        parts.extend(
            self.applied
                .iter()
                .map(|done| format!("V{} applied", done.version)),
        );
        parts.extend(
            self.repeated
                .iter()
                .map(|path| format!("\"{path}\" run again")),
        );
        f.write_str(&if parts.is_empty() {
            "nothing to do".to_owned()
        } else {
            parts.join(", ")
        })
    }
}

/// Whether the database of `server` exists.
///
/// # Errors
/// Exit 7 when the server cannot be reached for another reason.
pub async fn database_exists(server: &Server) -> Result<bool> {
    match server.connect("edu db bootstrap").await {
        Ok(_) => Ok(true),
        Err(failure)
            if failure
                .detail
                .iter()
                .any(|d| d.ends_with("does not exist.") && d.starts_with("Database")) =>
        {
            Ok(false)
        }
        Err(failure) => Err(failure),
    }
}

/// Creates the database of `server`, under the cluster's lock.
///
/// # Errors
/// Exit 8 without the privilege.
pub async fn create_database(server: &Server, report: Report<'_>) -> Result<()> {
    let maintenance = server.with_database(MAINTENANCE);
    let lock = Lock::take(
        &maintenance,
        Purpose::Cluster,
        Duration::from_secs(60),
        report,
    )
    .await?;
    let (mut connection, _) = session::open_for_writing(&maintenance, "edu db bootstrap").await?;
    let sql = format!("CREATE DATABASE {}", quote_ident(server.database()));
    let outcome = sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .execute(&mut connection)
        .await;
    lock.release().await;
    match outcome {
        Err(error) if !matches!(sqlstate(&error), "42P04" | "23505") => Err(failure(
            &format!("create database \"{}\"", server.database()),
            &error,
        )),
        _ => Ok(()),
    }
}

/// Creates the database if it is not there, then brings it to where `edu.toml` wants it.
///
/// # Errors
/// Those of [`create_database`] and [`run`].
pub async fn create_and_run(
    server: &Server,
    manifest: &Manifest,
    migrations: &[Migration],
    context: &Context,
    lock_timeout: Duration,
    report: Report<'_>,
) -> Result<Outcome> {
    let created = !database_exists(server).await?;
    if created {
        create_database(server, report).await?;
    }
    let outcome = run(server, manifest, migrations, context, lock_timeout, report).await?;
    Ok(Outcome { created, ..outcome })
}

/// What `edu.toml` wants of a database and does not find there. Each is one sentence.
///
/// # Errors
/// Exit 8 when an extension is not available on the server in a version that fits.
pub async fn missing(
    connection: &mut PgConnection,
    identity: &Identity,
    manifest: &Manifest,
) -> Result<Vec<String>> {
    let mut missing = missing_extensions(connection, identity, manifest).await?;
    if lacks_preloaded_age(connection).await? && !manifest.extensions.contains_key("age") {
        missing.push("The server preloads AGE, and the extension is not created here.".to_owned());
    }
    let roles = &manifest.roles;
    for role in [&roles.owner, &roles.application, &roles.login]
        .into_iter()
        .flatten()
    {
        let there: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = $1)",
        )
        .bind(role)
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| failure("look at the roles", &error))?;
        if !there {
            missing.push(format!("Role \"{role}\" does not exist."));
        }
    }
    if let (true, Some(graph)) = (missing.is_empty(), &manifest.graph) {
        let there: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM ag_catalog.ag_graph WHERE name::text = $1)",
        )
        .bind(&graph.name)
        .fetch_one(connection)
        .await
        .map_err(|error| failure("look at the graphs", &error))?;
        if !there {
            missing.push(format!("Graph \"{}\" does not exist.", graph.name));
        }
    }
    Ok(missing)
}

pub(super) async fn missing_extensions(
    connection: &mut PgConnection,
    identity: &Identity,
    manifest: &Manifest,
) -> Result<Vec<String>> {
    let names: Vec<&str> = manifest.extensions.keys().map(String::as_str).collect();
    let rows = sqlx::query(
        "SELECT w.name, a.default_version::text AS available, e.extversion::text AS installed
         FROM pg_catalog.unnest($1::text[]) AS w (name)
         LEFT JOIN pg_catalog.pg_available_extensions a ON a.name = w.name
         LEFT JOIN pg_catalog.pg_extension e ON e.extname = w.name ORDER BY w.name",
    )
    .bind(&names)
    .fetch_all(connection)
    .await
    .map_err(|error| failure("look at the extensions", &error))?;
    let mut missing = Vec::new();
    for row in rows {
        let name: String = row.get("name");
        let Some(range) = manifest.extensions.get(&name) else {
            continue;
        };
        match (
            row.get::<Option<String>, _>("installed"),
            row.get::<Option<String>, _>("available"),
        ) {
            (Some(version), _) if range.admits(&version) => {}
            (None, None) => return Err(unavailable(&name, identity.major())),
            (_, Some(version)) if !range.admits(&version) => {
                return Err(Failure::refused(format!(
                    "the server offers extension \"{name}\" in version {version}, wanted is {range}"
                ))
                .hint(
                    "Install a newer package of the extension, or use our image: edu image build",
                ));
            }
            (Some(version), _) => {
                missing.push(format!(
                    "Extension \"{name}\" has version {version}, wanted is {range}: ALTER EXTENSION {} UPDATE.",
                    quote_ident(&name)
                ));
            }
            (None, Some(_)) => missing.push(format!("Extension \"{name}\" is not created.")),
        }
    }
    Ok(missing)
}

fn unavailable(name: &str, major: u16) -> Failure {
    let package = match name {
        "vector" => format!("postgresql-{major}-pgvector"),
        "age" => format!("postgresql-{major}-age"),
        _ => format!("postgresql-{major} or postgresql-{major}-{name}"),
    };
    Failure::refused(format!(
        "extension \"{name}\" is not available on this server"
    ))
    .detail(format!(
        "Its files are not installed there; Debian's package is {package}."
    ))
    .hint("Install the package on the server, or use our image: edu image build")
}

/// Brings the database to where `edu.toml` wants it, or does nothing.
///
/// # Errors
/// Exit 8 when a superuser is needed and this is none, with what is missing.
pub async fn run(
    server: &Server,
    manifest: &Manifest,
    migrations: &[Migration],
    context: &Context,
    lock_timeout: Duration,
    report: Report<'_>,
) -> Result<Outcome> {
    let (mut connection, identity) = session::open_for_writing(server, "edu db bootstrap").await?;
    let plan = Plan::new(manifest, migrations, Stage::Bootstrap, context);
    let wanting = missing(&mut connection, &identity, manifest).await?;
    let (due, untold) = migrate::due_and_untold(&mut connection, &plan).await?;
    // What an earlier one could not write down any more is written down now, where somebody can.
    let told = untold.is_empty() || manifest.roles.owner.is_none() || !identity.superuser;
    if wanting.is_empty() && due.is_empty() && told {
        return Ok(Outcome::default());
    }
    if !identity.superuser {
        return Err(needs_superuser(&identity, &wanting, &due));
    }
    let cluster = Lock::take(
        &server.with_database(MAINTENANCE),
        Purpose::Cluster,
        lock_timeout,
        report,
    )
    .await?;
    let lock = Lock::take(server, Purpose::Change, lock_timeout, report).await?;
    pooler::refuse_shared_sessions(&mut connection, &lock).await?;
    if lacks_preloaded_age(&mut connection).await? {
        // Before everything else: until then AGE's library makes ordinary DDL fail here.
        session::run(
            &mut connection,
            "CREATE EXTENSION age",
            "create extension \"age\"",
        )
        .await?;
    }
    let applied = migrate::run(&mut connection, &lock, &plan, report)
        .await?
        .done;
    let mut repeated = Vec::new();
    if applied.is_empty()
        && !missing(&mut connection, &identity, manifest)
            .await?
            .is_empty()
    {
        repeated = repeat_all(&mut connection, migrations, report).await?;
    }
    preload(&mut connection, server, manifest).await?;
    let still = missing(&mut connection, &identity, manifest).await?;
    let attested = migrate::attest(&mut connection, &lock, &plan, &applied).await;
    if let Err(failure) = attested {
        // What the bootstrap is for is done; the next run will say the same and stop.
        report(Progress::Warning(format!(
            "the audit trail has no row of this bootstrap: {}",
            failure.error
        )));
    }
    lock.release().await;
    cluster.release().await;
    if still.is_empty() {
        return Ok(Outcome {
            created: false,
            applied,
            repeated,
        });
    }
    let mut failure =
        Failure::usage("the bootstrap migrations did not make all that edu.toml wants");
    failure.detail = still;
    Err(failure
        .hint("Add it to the migration marked \"-- edu: role superuser\", or correct edu.toml."))
}

/// Runs every bootstrap migration again, to bring back what was lost. Shape: their paths.
async fn repeat_all(
    connection: &mut PgConnection,
    migrations: &[Migration],
    report: Report<'_>,
) -> Result<Vec<String>> {
    let mut repeated = Vec::new();
    for migration in migrations
        .iter()
        .filter(|migration| migration.needs_superuser())
    {
        let path = &migration.up.document.path;
        report(Progress::stage(format!("running {path} again")));
        migrate::repeat(connection, migration).await?;
        repeated.push(path.clone());
    }
    Ok(repeated)
}

/// Whether the server loads AGE's library in every database and this one lacks the extension. A role
/// that may not see the setting gets false.
async fn lacks_preloaded_age(connection: &mut PgConnection) -> Result<bool> {
    sqlx::query_scalar(
        "SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'age')
                AND CASE WHEN pg_catalog.pg_has_role('pg_read_all_settings', 'USAGE')
                    THEN 'age' = ANY (pg_catalog.string_to_array(pg_catalog.replace(
                        pg_catalog.current_setting('shared_preload_libraries'), ' ', ''), ','))
                    ELSE false END",
    )
    .fetch_one(connection)
    .await
    .map_err(|error| failure("look for AGE", &error))
}

/// Lets sessions of this database load AGE where the server does not preload it: a role without
/// superuser rights may not load it itself.
async fn preload(
    connection: &mut PgConnection,
    server: &Server,
    manifest: &Manifest,
) -> Result<()> {
    if !manifest.extensions.contains_key("age") {
        return Ok(());
    }
    let preloaded: bool = sqlx::query_scalar(
        "SELECT 'age' = ANY (pg_catalog.string_to_array(pg_catalog.replace(
             pg_catalog.current_setting('shared_preload_libraries') || ',' ||
             pg_catalog.current_setting('session_preload_libraries'), ' ', ''), ','))",
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(|error| failure("look at the preloaded libraries", &error))?;
    if preloaded {
        return Ok(());
    }
    let sql = format!(
        "ALTER DATABASE {} SET session_preload_libraries = 'age'",
        quote_ident(server.database())
    );
    session::run(connection, &sql, "let sessions preload AGE").await
}

fn needs_superuser(identity: &Identity, wanting: &[String], due: &[&Migration]) -> Failure {
    let mut failure = Failure::refused(format!("role \"{}\" is not a superuser", identity.user))
        .detail("Extensions, roles and their grants need one, once per database.");
    for sentence in wanting {
        failure = failure.detail(sentence);
    }
    for migration in due {
        failure = failure.detail(format!(
            "\"{}\" is not applied.",
            migration.up.document.path
        ));
    }
    failure.exit(Exit::Refused).hint(
        "Run this as a superuser, or give one the statements: edu db bootstrap --print-sql | psql …",
    )
}

/// The statements that a superuser must run, as one psql script: every bootstrap migration that is
/// not applied, each with its history row in one transaction.
///
/// # Errors
/// Exit 2 when refinery does not take a file.
pub fn script(manifest: &Manifest, migrations: &[Migration]) -> Result<String> {
    let mut script = String::from(
        "-- What edu needs a superuser for. Run it once in the project's database, for example:\n\
         --   edu db bootstrap --print-sql | psql -v ON_ERROR_STOP=1 \"$SUPERUSER_URL\"\n",
    );
    let bootstrap: Vec<&Migration> = migrations
        .iter()
        .take_while(|m| m.needs_superuser())
        .collect();
    for migration in bootstrap {
        let record = migrate::adopt::record_now(migration)?;
        let owner = manifest.roles.owner.as_deref();
        let role = owner.map_or(String::new(), |o| {
            format!("SET LOCAL ROLE {};\n", quote_ident(o))
        });
        let text = migration.up.document.text.trim_end();
        let create = migrate::history::create();
        // A file that is to run outside a transaction does so here too; its record is one of its own.
        let (first, second) = if migration.up.header.no_transaction {
            (text, "BEGIN;")
        } else {
            ("BEGIN;", text)
        };
        script.push_str(&format!(
            "\n{first}\n{second}\n{role}{create}\n{record}\nCOMMIT;\n"
        ));
    }
    if manifest.extensions.contains_key("age") {
        script.push_str(
            "\n-- Unless shared_preload_libraries has age already:\n\
             DO $$ BEGIN EXECUTE pg_catalog.format('ALTER DATABASE %I SET session_preload_libraries = %L', \
             pg_catalog.current_database(), 'age'); END $$;\n",
        );
    }
    Ok(script)
}
