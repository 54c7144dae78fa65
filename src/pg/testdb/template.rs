//! A template: found by its name, or built once however many processes ask for it.

use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, Row};

use super::admin::{APPLICATION, Admin, Class};
use super::clone::{comment, copy, drop_database, prepare};
use super::mark::{Kind, Made, Mark, Strategy};
use super::{new_name, template_name};
use crate::catalog::name::quote_ident;
use crate::failure::{Exit, Failure, Result};
use crate::pg::database::Privileges;
use crate::pg::error::{failure, sqlstate};
use crate::pg::{Cancel, Server};
use crate::progress::{Progress, Report, human_time};

/// How long another process may take to build the template.
const BUILD_MAX: Duration = Duration::from_secs(600);

/// How often its progress is looked at.
const POLL: Duration = Duration::from_millis(50);

/// How old the note of the last use may be. Units: seconds.
const USED_SECONDS_MAX: i64 = 300;

/// How many times longer than the fastest strategy another one may take before it is given up.
const SLOWER_MAX: u32 = 2;

/// A template that is ready to be cloned.
#[derive(Debug, Clone)]
pub struct Template {
    /// The database's name.
    pub name: String,
    /// The project's name.
    pub project: String,
    /// The strategy that copies it fastest.
    pub strategy: Strategy,
    /// What was measured, in words.
    pub measured: String,
    /// It was built by this call.
    pub built: bool,
    pub(super) privileges: Privileges,
}

impl Template {
    /// PostgreSQL's own empty template, for a database that is filled by hand.
    pub fn empty(project: &str, owner: &str) -> Self {
        Self {
            name: "template0".to_owned(),
            project: project.to_owned(),
            strategy: Strategy::WalLog,
            measured: String::new(),
            built: false,
            privileges: Privileges::of(owner),
        }
    }
}

/// Gives the template of `project` with the hash `hash`; `fill` brings an empty database to the state
/// that is to be cloned.
///
/// # Errors
/// Those of `fill`, and exit 6 when another process builds it for too long. Then there is no template.
pub async fn ensure(
    admin: &mut Admin,
    project: &str,
    hash: &str,
    fill: impl AsyncFnOnce(&Server) -> Result<()>,
    cancel: &Cancel,
    report: Report<'_>,
) -> Result<Template> {
    let name = template_name(project, hash);
    if let Some(template) = ready(admin, project, &name).await? {
        return Ok(template);
    }
    cancel.or(wait_for_lock(admin, &name, report)).await?;
    // Whoever had the lock has built it, or has failed.
    let outcome = match ready(admin, project, &name).await {
        Ok(None) => {
            let fill = async |server: &Server| cancel.or(fill(server)).await;
            build(admin, project, &name, fill, report).await
        }
        Ok(Some(template)) => Ok(template),
        Err(failure) => Err(failure),
    };
    admin.unlock(Class::Template, &name).await?;
    outcome
}

/// Takes the lock of the template's name. It is polled, and given back at once by whoever finds the
/// template ready.
async fn wait_for_lock(admin: &mut Admin, name: &str, report: Report<'_>) -> Result<()> {
    let begun = Instant::now();
    let mut told = false;
    while !admin.try_lock(Class::Template, name).await?.0 {
        if begun.elapsed() > BUILD_MAX {
            return Err(Failure::new(
                Exit::Lock,
                format!(
                    "another process has been building \"{name}\" for {}",
                    human_time(begun.elapsed())
                ),
            )
            .hint("See whether it is still alive: edu testdb list"));
        }
        if !told {
            told = true;
            report(Progress::stage(
                "waiting for another process that builds the template",
            ));
        }
        tokio::time::sleep(POLL).await;
    }
    if told {
        report(Progress::Done);
    }
    Ok(())
}

/// The template, if it is complete. Notes that it was asked for.
async fn ready(admin: &mut Admin, project: &str, name: &str) -> Result<Option<Template>> {
    let row = sqlx::query(
        "SELECT pg_catalog.shobj_description(oid, 'pg_database') AS comment,
                extract(epoch FROM pg_catalog.now())::int8 AS now
         FROM pg_catalog.pg_database WHERE datname = $1 AND datistemplate AND NOT datallowconn",
    )
    .bind(name)
    .fetch_optional(&mut admin.connection)
    .await
    .map_err(|error| failure("look for the template", &error))?;
    let Some(row) = row else { return Ok(None) };
    let comment: Option<String> = row.get("comment");
    let mark = comment.as_deref().and_then(Mark::read);
    let Some(made) = mark.as_ref().and_then(Mark::made) else {
        return Ok(None);
    };
    let now: i64 = row.get("now");
    if made.used + USED_SECONDS_MAX < now {
        touch(
            admin,
            project,
            name,
            Made {
                used: now,
                ..made.clone()
            },
        )
        .await;
    }
    Ok(Some(Template {
        name: name.to_owned(),
        project: project.to_owned(),
        strategy: made.strategy,
        measured: made.measured.clone(),
        built: false,
        privileges: Privileges::read(&mut admin.connection, name).await?,
    }))
}

/// Notes that the template was asked for, unless somebody else does so now or the role may not.
async fn touch(admin: &mut Admin, project: &str, name: &str, made: Made) {
    let Ok((true, _)) = admin.try_lock(Class::Template, name).await else {
        return;
    };
    if let Ok(sql) = comment(name, &Mark::new(project, Kind::Template(made))) {
        let _ = admin.attempt(sql).await;
    }
    let _ = admin.unlock(Class::Template, name).await;
}

async fn build(
    admin: &mut Admin,
    project: &str,
    name: &str,
    fill: impl AsyncFnOnce(&Server) -> Result<()>,
    report: Report<'_>,
) -> Result<Template> {
    remove(admin, name).await?;
    let sql = format!("CREATE DATABASE {} TEMPLATE template0", quote_ident(name));
    admin.attempt(sql).await.map_err(|error| {
        let failure = failure("create the template's database", &error);
        if sqlstate(&error) != "42501" {
            return failure;
        }
        failure.exit(Exit::Refused).hint(format!(
            "Let a superuser run: ALTER ROLE {} CREATEDB",
            quote_ident(&admin.identity.user)
        ))
    })?;
    let outcome = match fill(&admin.server.with_database(name)).await {
        Ok(()) => finish(admin, project, name, report).await,
        Err(failure) => Err(failure),
    };
    if outcome.is_err() {
        let _ = remove(admin, name).await;
    }
    outcome
}

/// Closes a filled template, measures how it is copied fastest, and marks it as complete.
async fn finish(
    admin: &mut Admin,
    project: &str,
    name: &str,
    report: Report<'_>,
) -> Result<Template> {
    let database = quote_ident(name);
    let close = format!("ALTER DATABASE {database} WITH ALLOW_CONNECTIONS false");
    admin.run(&close, "close the template").await?;
    // A pooler keeps sessions that nobody uses any more, and a database with sessions is not copied.
    sqlx::query(
        "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
         WHERE datname = $1 AND backend_type = 'client backend'",
    )
    .bind(name)
    .execute(&mut admin.connection)
    .await
    .map_err(|error| failure("end the sessions of the template", &error))?;
    report(Progress::stage(
        "measuring how the template is copied fastest",
    ));
    let (strategy, measured) = measure(admin, project, name).await?;
    report(Progress::Done);
    let now = admin.now().await?;
    let made = Made {
        strategy,
        measured: measured.clone(),
        used: now,
    };
    let mut sql = comment(name, &Mark::new(project, Kind::Template(made)))?;
    sql.push_str(&format!(
        ";\nALTER DATABASE {database} WITH IS_TEMPLATE true"
    ));
    admin.run(&sql, "mark the template as complete").await?;
    Ok(Template {
        name: name.to_owned(),
        project: project.to_owned(),
        strategy,
        measured,
        built: true,
        privileges: Privileges::read(&mut admin.connection, name).await?,
    })
}

/// How often a limit may end the statement that ends it: on a crowded machine a session that has hardly begun
/// may have waited for longer.
const RESETS_MAX: u32 = 100;

/// Copies the template in each way that the server offers, twice where it is worth it. Shape: the
/// fastest, and all of them in words.
async fn measure(admin: &mut Admin, project: &str, name: &str) -> Result<(Strategy, String)> {
    let mut strategies = vec![Strategy::WalLog, Strategy::FileCopy];
    if admin.identity.major() >= 18 && prepare(admin, Strategy::FileCopyClone).await.is_ok() {
        strategies.push(Strategy::FileCopyClone);
    }
    let mut best: Option<(Duration, Strategy)> = None;
    let mut words = Vec::new();
    for strategy in strategies {
        let limit = best.map(|(took, _)| took * SLOWER_MAX);
        let mut fastest = probe(admin, project, name, strategy, limit).await?;
        if let Some(first) = fastest {
            let again = probe(admin, project, name, strategy, limit).await?;
            fastest = Some(again.map_or(first, |again| again.min(first)));
        }
        match (fastest, limit) {
            (Some(took), _) => {
                words.push(format!("{strategy}: {}", human_time(took)));
                if best.is_none_or(|(least, _)| took < least) {
                    best = Some((took, strategy));
                }
            }
            (None, limit) => words.push(format!(
                "{strategy}: given up after {}",
                human_time(limit.unwrap_or_default())
            )),
        }
    }
    let (_, strategy) = best.ok_or_else(|| Failure::bug("no strategy could copy the template"))?;
    Ok((strategy, words.join("; ")))
}

/// Makes a clone and drops it again. Shape: how long it took; nothing when it took longer than `limit`.
async fn probe(
    admin: &mut Admin,
    project: &str,
    template: &str,
    strategy: Strategy,
    limit: Option<Duration>,
) -> Result<Option<Duration>> {
    let name = new_name(project);
    admin.try_lock(Class::Clone, &name).await?;
    let outcome = copied(admin, &name, template, strategy, limit).await;
    drop_database(admin, &name).await?;
    admin.unlock(Class::Clone, &name).await?;
    outcome
}

async fn copied(
    admin: &mut Admin,
    name: &str,
    template: &str,
    strategy: Strategy,
    limit: Option<Duration>,
) -> Result<Option<Duration>> {
    prepare(admin, strategy).await?;
    let limit_ms = limit.map_or(0, |limit| limit.as_millis().max(20));
    let sql = format!("SET statement_timeout = {limit_ms}");
    admin.run(&sql, "limit a measurement").await?;
    let begun = Instant::now();
    let outcome = admin.attempt(copy(name, template, strategy, None)).await;
    let took = begun.elapsed();
    unlimited(admin).await?;
    match outcome {
        Ok(()) => {
            prove(&admin.server.with_database(name)).await?;
            Ok(Some(took))
        }
        Err(error) if limit.is_some() && sqlstate(&error) == "57014" => Ok(None),
        Err(error) => Err(failure(&format!("copy the template by {strategy}"), &error)),
    }
}

/// Ends the limit of a measurement, which holds for the statement that ends it as well.
async fn unlimited(admin: &mut Admin) -> Result<()> {
    let mut tries = 0;
    loop {
        match admin.attempt("RESET statement_timeout".to_owned()).await {
            Err(error) if sqlstate(&error) == "57014" && tries < RESETS_MAX => tries += 1,
            outcome => return outcome.map_err(|error| failure("end a measurement", &error)),
        }
    }
}

/// Proves on a copy what AGE depends on: the number of a graph is that of its schema, and every label
/// is a relation of it. Source: `ag_catalog.ag_graph`, `ag_catalog.ag_label`.
async fn prove(server: &Server) -> Result<()> {
    let mut connection = server.connect(APPLICATION).await?;
    let age: bool =
        sqlx::query_scalar("SELECT pg_catalog.to_regclass('ag_catalog.ag_graph') IS NOT NULL")
            .fetch_one(&mut connection)
            .await
            .map_err(|error| failure("look for graphs in a copy", &error))?;
    if age {
        let sql = "SELECT (SELECT count(*) FROM ag_catalog.ag_graph g
                           WHERE g.graphid <> g.namespace::oid)
                        + (SELECT count(*) FROM ag_catalog.ag_label l
                           LEFT JOIN ag_catalog.ag_graph g ON g.graphid = l.graph
                           LEFT JOIN pg_catalog.pg_class c ON c.oid = l.relation::oid
                           WHERE c.relnamespace IS DISTINCT FROM g.namespace::oid)";
        let wrong: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(&mut connection)
            .await
            .map_err(|error| failure("look at the graphs in a copy", &error))?;
        if wrong > 0 {
            return Err(Failure::refused("the graph does not survive being copied")
                .detail(format!(
                    "{wrong} rows of ag_catalog.ag_graph and ag_label name a schema that is not theirs."
                ))
                .hint("Mend the graph's numbers: edu explain graph-oid"));
        }
    }
    let _ = connection.close().await;
    Ok(())
}

/// Drops a template, complete or not. The lock of its name is the caller's.
pub(super) async fn remove(admin: &mut Admin, name: &str) -> Result<()> {
    let sql = format!(
        "ALTER DATABASE {} WITH IS_TEMPLATE false",
        quote_ident(name)
    );
    match admin.attempt(sql).await {
        Err(error) if sqlstate(&error) == "3D000" => return Ok(()),
        Err(error) => return Err(failure(&format!("open the template \"{name}\""), &error)),
        Ok(()) => {}
    }
    drop_database(admin, name).await
}
