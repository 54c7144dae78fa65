//! One index, from whatever is there to valid and as declared.

use std::time::Instant;

use sqlx::postgres::PgConnection;

use super::ddl::{self, Manner};
use super::existing::{self, Existing};
use super::facts::{self, Host};
use super::notice::Notices;
use super::watch::Board;
use super::{Site, State, recover, turn};
use crate::catalog::name::Name;
use crate::failure::{Exit, Failure, Result};
use crate::pg::error::failure;
use crate::pg::session;
use crate::progress::{Progress, Report};
use crate::spec::vectors::{Method, VectorIndex};
use crate::vector::announce::Outlook;
use crate::vector::definition::differences;
use crate::vector::leftover::new_name;
use crate::vector::memory::lists_of;
use crate::vector::settings::Settings;

/// What all builds of a run share.
pub struct Run<'a> {
    /// Where to build and how.
    pub site: &'a Site<'a>,
    /// The server's machine.
    pub host: &'a Host,
    /// Where builds are watched.
    pub board: &'a Board,
    /// How many go on at once.
    pub builds: u32,
    /// Whoever listens.
    pub report: Report<'a>,
}

/// A connection for building: as the owner, without time limits, hearing NOTICEs.
pub(super) async fn connect(site: &Site<'_>, index: &Name) -> Result<PgConnection> {
    let application: String = format!("edu db index {}", index.name)
        .chars()
        .take(60)
        .collect();
    let (mut connection, _) = session::open_for_writing(site.server, &application).await?;
    session::become_role(&mut connection, site.owner).await?;
    session::run(
        &mut connection,
        "SET client_min_messages = 'notice'; SET statement_timeout = 0; SET lock_timeout = 0;
         SET idle_session_timeout = 0",
        "prepare the session",
    )
    .await?;
    Ok(connection)
}

/// Brings one declared index about: clears leftovers, builds what is missing, compares what is there.
///
/// # Errors
/// That of the build; what it left is removed. Exit 6 when somebody else builds on the table for too
/// long, 8 when the name belongs to another table's index.
pub async fn bring(run: &Run<'_>, index: &VectorIndex) -> Result<State> {
    let mut connection = connect(run.site, &index.name).await?;
    turn::take(&mut connection, run.site, &index.table, run.report).await?;
    let wanted = existing::wanted(&mut connection, index, run.site.dims).await?;
    let all = recover::clear(&mut connection, run.site, index, &wanted, run.report).await?;
    let Some(there) = existing::named(&all, &index.name) else {
        return build(&mut connection, run, index, &index.name).await;
    };
    compare(&mut connection, index, &wanted, there).await
}

/// What a valid index is, against its declaration.
pub(super) async fn compare(
    connection: &mut PgConnection,
    index: &VectorIndex,
    wanted: &crate::vector::definition::Wanted,
    there: &Existing,
) -> Result<State> {
    let mut found = there.found.clone();
    found.built = existing::built(connection, &there.name).await?;
    let differences = differences(index, wanted, &found);
    Ok(if differences.is_empty() {
        State::Good
    } else {
        State::Different(differences)
    })
}

/// Builds the declared index anew beside the one that is there, and exchanges them.
///
/// # Errors
/// Those of [`bring`]; the old index serves until the new one is valid.
pub async fn rebuild(run: &Run<'_>, index: &VectorIndex) -> Result<State> {
    let begun = Instant::now();
    let mut connection = connect(run.site, &index.name).await?;
    turn::take(&mut connection, run.site, &index.table, run.report).await?;
    let wanted = existing::wanted(&mut connection, index, run.site.dims).await?;
    let all = recover::clear(&mut connection, run.site, index, &wanted, run.report).await?;
    if existing::named(&all, &index.name).is_none() {
        return build(&mut connection, run, index, &index.name).await;
    }
    build(&mut connection, run, index, &new_name(&index.name)).await?;
    super::swap::swap(&mut connection, run.site, index, run.report).await?;
    Ok(State::built_since(begun))
}

/// Builds `index` under `name`. The table's turn is this session's, and the name is free.
async fn build(
    connection: &mut PgConnection,
    run: &Run<'_>,
    index: &VectorIndex,
    name: &Name,
) -> Result<State> {
    let begun = Instant::now();
    let outlook = facts::outlook(connection, run.site, run.host, index, run.builds).await?;
    for line in outlook.lines() {
        (run.report)(Progress::Note(line));
    }
    set(connection, &outlook.settings).await?;
    let lists = match index.method {
        Method::Ivfflat { lists, .. } => Some(lists_of(lists, outlook.rows)),
        Method::Hnsw { .. } => None,
    };
    // A table without a page has no row that a writer could have added unseen: the lock that a plain
    // build takes keeps writers out for a moment only.
    let manner = if outlook.in_use {
        Manner::Concurrently
    } else {
        Manner::Plain
    };
    let sql = ddl::create(index, name, &index.table, lists, manner);
    watched(connection, run, name, &sql).await?;
    remember(connection, index, name, &outlook).await?;
    Ok(State::built_since(begun))
}

/// Gives the session the settings of one build. A session's setting leaves the table as it is, and
/// yet gives workers to a table whose vectors are stored out of line.
async fn set(connection: &mut PgConnection, settings: &Settings) -> Result<()> {
    let scan = if settings.workers > 0 { "0" } else { "DEFAULT" };
    let sql = format!(
        "SET maintenance_work_mem = '{}kB'; SET max_parallel_maintenance_workers = {};
         SET min_parallel_table_scan_size = {scan}",
        settings.memory_bytes >> 10,
        settings.workers,
    );
    session::run(connection, &sql, "set the build's memory and processes").await
}

/// Runs the build on the board, and proves afterwards that the index is valid.
async fn watched(
    connection: &mut PgConnection,
    run: &Run<'_>,
    name: &Name,
    sql: &str,
) -> Result<()> {
    if let Some(failure) = run.site.cancelled() {
        return Err(failure.detail(format!("Index {name} was not begun.")));
    }
    let doing = format!("build index {name}");
    let pid: i32 = sqlx::query_scalar("SELECT pg_catalog.pg_backend_pid()")
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| failure(&doing, &error))?;
    let notices = Notices::default();
    run.board.enter(pid, &name.to_string(), &notices);
    let outcome = notices.hear(session::run(connection, sql, &doing)).await;
    let gave_up = run.board.leave(pid, run.report);
    match outcome {
        Ok(()) => prove(connection, name).await,
        Err(failure) => {
            let failure = match (gave_up, run.site.cancelled()) {
                (Some(who), _) => Failure::new(
                    Exit::Lock,
                    format!("index {name} waited longer than --max-wait allows"),
                )
                .detail(format!("It waited for {who}."))
                .hint("End that session, or give more time with --max-wait."),
                (None, Some(cancelled)) => cancelled,
                (None, None) => failure,
            };
            Err(recover::tidy(connection, name, failure).await)
        }
    }
}

/// The server said that it worked: the catalog must say so too.
async fn prove(connection: &mut PgConnection, name: &Name) -> Result<()> {
    let valid: Option<bool> = sqlx::query_scalar(
        "SELECT i.indisvalid AND i.indisready AND i.indislive FROM pg_catalog.pg_index i
         WHERE i.indexrelid = pg_catalog.to_regclass($1)",
    )
    .bind(name.to_string())
    .fetch_optional(connection)
    .await
    .map_err(|error| failure(&format!("look at index {name}"), &error))?;
    if valid == Some(true) {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Partial,
        format!("index {name} was built but is not valid"),
    )
    .hint("Run the command again: the invalid index is removed and built anew."))
}

/// Lists are made from the rows that are there; the index remembers how many, so that one that is
/// outgrown can be told.
async fn remember(
    connection: &mut PgConnection,
    index: &VectorIndex,
    name: &Name,
    outlook: &Outlook,
) -> Result<()> {
    if !matches!(index.method, Method::Ivfflat { .. }) {
        return Ok(());
    }
    let sql = format!(
        "COMMENT ON INDEX {name} IS '{}{}'",
        existing::ROWS_COMMENT,
        outlook.rows
    );
    session::run(connection, &sql, &format!("comment on index {name}")).await
}
