//! Vector indexes: what is declared is there, valid, and as declared.
//!
//! An index is never taken for granted because its name exists: validity, table, method, operator
//! class, parameters and dimensions are read from the catalog, and from the index itself where this
//! login may. [`build`] brings one about, [`watch`] follows it, [`recover`] clears what broken-off
//! work left, [`swap`] replaces one without a gap, [`partition`] does it partition by partition.

pub mod advise;
mod build;
mod ddl;
mod existing;
mod facts;
mod load;
mod notice;
mod outcome;
mod partition;
pub mod recall;
mod recover;
mod search;
pub mod status;
mod swap;
mod turn;
mod watch;

use std::cell::Cell;
use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt;
use sqlx::postgres::PgConnection;

use super::cancel::Cancel;
use super::{Server, session};
use crate::catalog::name::Name;
use crate::failure::{Failure, Result};
use crate::progress::{Progress, Report};
use crate::spec::vectors::VectorIndex;
use crate::vector::machine::Machine;

use build::Run;
pub use load::after_load;
pub use outcome::{Outcome, State, summary};
pub(super) use swap::attempts;
use watch::Board;

/// Where to build, as whom, and with what.
pub struct Site<'a> {
    /// The database.
    pub server: &'a Server,
    /// The role that owns the tables.
    pub owner: Option<&'a str>,
    /// The dimensions of the project's vectors, if it has them.
    pub dims: Option<u32>,
    /// This machine, if the server runs on it.
    pub local: Option<Local>,
    /// What the operator asks for.
    pub options: Options,
    /// A wish to stop: builds are broken off on the server, and their rest is removed.
    pub cancel: &'a Cancel,
}

impl Site<'_> {
    /// The failure to end with, once a stop is asked for.
    pub(super) fn cancelled(&self) -> Option<Failure> {
        self.cancel.requested().map(|_| self.cancel.failure())
    }
}

/// What is known about this machine when the server runs on it.
#[derive(Clone, Copy)]
pub struct Local {
    /// Memory and processors.
    pub machine: Machine,
    /// Free space for files in a folder. Units: bytes.
    pub disk_free: fn(&Path) -> Option<u64>,
}

/// What the operator asks for.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// `maintenance_work_mem` for each build. Units: bytes.
    pub memory_bytes: Option<u64>,
    /// Builds at once, on different tables; at least 1.
    pub jobs: u32,
    /// How long a build may wait for other sessions; `None`: as long as it takes.
    pub max_wait: Option<Duration>,
    /// How long to wait for somebody else's build on the same table.
    pub lock_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            memory_bytes: None,
            jobs: 1,
            max_wait: None,
            lock_timeout: Duration::from_secs(60),
        }
    }
}

/// Builds what is missing and mends what is broken. The caller holds the database's lock, perhaps beside
/// other builders;
/// `connection` only looks.
///
/// # Errors
/// The failure of the first build that failed; its invalid rest is removed, the others stay.
pub async fn ensure(
    connection: &mut PgConnection,
    site: &Site<'_>,
    indexes: &[VectorIndex],
    report: Report<'_>,
) -> Result<Vec<Outcome>> {
    let mut outcomes = look(connection, site, indexes).await?;
    let leftover = littered(connection, site, indexes, report).await?;
    let due: Vec<usize> = (0..indexes.len())
        .filter(|&at| leftover[at] || matches!(outcomes[at].state, State::Missing | State::Invalid))
        .collect();
    let states = all(connection, site, indexes, &due, Task::Bring, report).await?;
    for (at, state) in states {
        outcomes[at].state = state;
    }
    Ok(outcomes)
}

/// Builds the chosen indexes anew beside the old ones and exchanges them, so that there is a valid
/// index at every moment. The database's lock is held by the caller.
///
/// # Errors
/// Those of [`ensure`].
pub async fn rebuild(
    connection: &mut PgConnection,
    site: &Site<'_>,
    indexes: &[VectorIndex],
    report: Report<'_>,
) -> Result<Vec<Outcome>> {
    let due: Vec<usize> = (0..indexes.len()).collect();
    let mut states = all(connection, site, indexes, &due, Task::Rebuild, report).await?;
    states.sort_by_key(|(at, _)| *at);
    Ok(states
        .into_iter()
        .map(|(at, state)| Outcome {
            name: indexes[at].name.clone(),
            state,
        })
        .collect())
}

/// Looks, and changes nothing.
///
/// # Errors
/// When the catalog cannot be read.
pub async fn look(
    connection: &mut PgConnection,
    site: &Site<'_>,
    indexes: &[VectorIndex],
) -> Result<Vec<Outcome>> {
    session::reset(connection).await?;
    session::become_role(connection, site.owner).await?;
    let mut outcomes = Vec::new();
    for index in indexes {
        let all = existing::around(connection, index).await?;
        let state = match existing::named(&all, &index.name) {
            None => State::Missing,
            Some(there) if !(there.valid && there.ready) => State::Invalid,
            Some(there) => {
                let wanted = existing::wanted(connection, index, site.dims).await?;
                build::compare(connection, index, &wanted, there).await?
            }
        };
        outcomes.push(Outcome {
            name: index.name.clone(),
            state,
        });
    }
    session::reset(connection).await?;
    Ok(outcomes)
}

/// What broken-off work left, and what a build would do about it: one sentence each. Changes nothing.
///
/// # Errors
/// When the catalog cannot be read.
pub async fn leftovers(
    connection: &mut PgConnection,
    site: &Site<'_>,
    indexes: &[VectorIndex],
) -> Result<Vec<String>> {
    let mut lines: Vec<String> = Vec::new();
    for index in indexes {
        let all = existing::around(connection, index).await?;
        let wanted = existing::wanted(connection, index, site.dims).await?;
        let own = all.iter().filter_map(|one| {
            Some(match recover::fate(index, &wanted, one)? {
                recover::Fate::Drop => {
                    format!(
                        "{} was left by an earlier run: it would be removed",
                        one.name
                    )
                }
                recover::Fate::Swap => {
                    format!(
                        "{} is finished: it would take the place of {}",
                        one.name, index.name
                    )
                }
            })
        });
        let foreign = recover::foreign(&all, indexes)
            .into_iter()
            .map(|text| format!("{text}; it would be left as it is"));
        for line in own.chain(foreign) {
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
    }
    Ok(lines)
}

/// Which indexes have something of an earlier run beside them; tells what belongs to others.
async fn littered(
    connection: &mut PgConnection,
    site: &Site<'_>,
    indexes: &[VectorIndex],
    report: Report<'_>,
) -> Result<Vec<bool>> {
    let mut found = Vec::new();
    let mut told: Vec<String> = Vec::new();
    for index in indexes {
        let all = existing::around(connection, index).await?;
        for text in recover::foreign(&all, indexes) {
            if !told.contains(&text) {
                report(Progress::Note(format!("{text}; it was left as it is")));
                told.push(text);
            }
        }
        let wanted = existing::wanted(connection, index, site.dims).await?;
        found.push(
            all.iter()
                .any(|one| recover::fate(index, &wanted, one).is_some()),
        );
    }
    Ok(found)
}

/// What is done with each index that is due.
#[derive(Debug, Clone, Copy)]
enum Task {
    Bring,
    Rebuild,
}

/// Works on the due indexes: those of one table one after the other, up to `jobs` tables at once.
async fn all(
    connection: &mut PgConnection,
    site: &Site<'_>,
    indexes: &[VectorIndex],
    due: &[usize],
    task: Task,
    report: Report<'_>,
) -> Result<Vec<(usize, State)>> {
    if due.is_empty() {
        return Ok(Vec::new());
    }
    let mut tables: Vec<(&Name, Vec<usize>)> = Vec::new();
    for &at in due {
        match tables
            .iter_mut()
            .find(|(table, _)| **table == indexes[at].table)
        {
            Some((_, list)) => list.push(at),
            None => tables.push((&indexes[at].table, vec![at])),
        }
    }
    let host = facts::host(connection, site).await?;
    let board = Board::default();
    let jobs = site.options.jobs.max(1);
    let builds = jobs.min(u32::try_from(tables.len()).unwrap_or(1));
    let run = Run {
        site,
        host: &host,
        board: &board,
        builds,
        report,
    };
    let failed = Cell::new(false);
    let work = futures_util::stream::iter(tables)
        .map(|(_, list)| table(&run, indexes, list, task, &failed))
        .buffer_unordered(jobs as usize)
        .collect::<Vec<_>>();
    let done = tokio::select! {
        done = work => done,
        () = watch::watch(site, &board, report) => Vec::new(),
    };
    let mut states = Vec::new();
    for one in done {
        states.extend(one?);
    }
    Ok(states)
}

/// The due indexes of one table. Begins nothing new once any build has failed.
async fn table(
    run: &Run<'_>,
    indexes: &[VectorIndex],
    list: Vec<usize>,
    task: Task,
    failed: &Cell<bool>,
) -> Result<Vec<(usize, State)>> {
    let mut states = Vec::new();
    for at in list {
        if failed.get() {
            break;
        }
        let state = one(run, &indexes[at], task).await;
        failed.set(failed.get() || state.is_err());
        states.push((at, state?));
    }
    Ok(states)
}

async fn one(run: &Run<'_>, index: &VectorIndex, task: Task) -> Result<State> {
    let mut connection = run.site.server.connect("edu db index").await?;
    let partitioned = partition::is_partitioned(&mut connection, &index.table).await?;
    drop(connection);
    match (partitioned, task) {
        (true, Task::Bring) => partition::bring(run, index).await,
        (true, Task::Rebuild) => partition::rebuild(run, index).await,
        (false, Task::Bring) => build::bring(run, index).await,
        (false, Task::Rebuild) => build::rebuild(run, index).await,
    }
}
