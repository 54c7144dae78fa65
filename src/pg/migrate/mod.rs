//! Ordered migrations. refinery decides order, checksums and history; the transaction, the lock and
//! the session are edu's.
//!
//! refinery lives in this module and nowhere else.

pub mod adopt;
pub mod down;
pub mod draft;
pub mod fingerprint;
pub mod history;
pub mod order;
mod step;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use refinery_core::traits::r#async::{AsyncQuery, AsyncTransaction};
use refinery_core::{AsyncMigrate, Target};
use sqlx::postgres::PgConnection;

use super::lock::Lock;
use super::session;
use crate::failure::{Failure, Result};
use crate::progress::{Progress, Report, Unit};
use crate::spec::migration::Migration;

pub use history::Applied;
pub use order::Tolerance;

/// Which migrations a run may apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The ones that need a superuser, as far as they are next in line.
    Bootstrap,
    /// The ones that run as the owner, up to the next that needs a superuser.
    Ordinary,
}

/// What a run needs to know.
pub struct Plan<'a> {
    /// All migrations of the project, by version.
    pub migrations: &'a [Migration],
    /// Which of them this run may apply.
    pub stage: Stage,
    /// The last version to apply.
    pub to: Option<i64>,
    /// The role that owns everything, if the project names one.
    pub owner: Option<&'a str>,
    /// What it takes that is refused otherwise.
    pub tolerance: Tolerance,
}

/// One migration that a run applied.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Done {
    /// The version.
    pub version: i64,
    /// The file's path.
    pub path: String,
    /// How long it took. Units: milliseconds.
    pub took_ms: u64,
}

/// What a run would apply, by version. Nothing is written and no lock is needed.
///
/// # Errors
/// Exit 4 when history and files contradict each other.
pub async fn due<'a>(connection: &mut PgConnection, plan: &Plan<'a>) -> Result<Vec<&'a Migration>> {
    let history = history::read(connection).await?;
    Ok(select(
        order::pending_with(&history, plan.migrations, plan.tolerance).await?,
        plan,
    ))
}

/// Whether nothing is pending any more, so that graph and indexes can follow.
///
/// # Errors
/// Exit 8 when a migration that needs a superuser is next and stops an ordinary run.
pub async fn is_complete(connection: &mut PgConnection, plan: &Plan<'_>) -> Result<bool> {
    let history = history::read(connection).await?;
    let pending = order::pending_with(&history, plan.migrations, plan.tolerance).await?;
    match pending.first() {
        None => Ok(true),
        Some(next) if next.needs_superuser() && plan.to.is_none_or(|to| next.version <= to) => {
            let path = &next.up.document.path;
            Err(Failure::refused(format!("\"{path}\" needs a superuser"))
                .detail(
                    "It is marked \"-- edu: role superuser\"; what comes after it waits for it.",
                )
                .hint("Run: edu db bootstrap"))
        }
        Some(_) => Ok(false),
    }
}

/// The pending migrations that this stage may apply: a prefix, for order is never broken.
fn select<'a>(pending: Vec<&'a Migration>, plan: &Plan<'_>) -> Vec<&'a Migration> {
    pending
        .into_iter()
        .take_while(|migration| migration.needs_superuser() == (plan.stage == Stage::Bootstrap))
        .take_while(|migration| plan.to.is_none_or(|to| migration.version <= to))
        .collect()
}

/// Applies what is due. The lock is held by the caller.
///
/// # Errors
/// Exit 4 before anything ran when history and files contradict; otherwise the failure of the first
/// migration that failed, with what is applied and what was rolled back.
pub async fn run(
    connection: &mut PgConnection,
    lock: &Lock,
    plan: &Plan<'_>,
    report: Report<'_>,
) -> Result<Vec<Done>> {
    let history = history::read(connection).await?;
    let due = select(
        order::pending_with(&history, plan.migrations, plan.tolerance).await?,
        plan,
    );
    let Some(last) = due.last().map(|migration| migration.version) else {
        return Ok(Vec::new());
    };
    let floor = order::floor(&history, plan.migrations, plan.tolerance);
    let files = history::files(order::offered(&history, plan.migrations, floor))?;
    report(Progress::counted(
        "migrating",
        due.len() as u64,
        Unit::Items,
    ));
    let mut engine = Engine {
        connection,
        lock,
        owner: plan.owner,
        floor,
        report,
        create: String::new(),
        due: due.into(),
        done: Vec::new(),
        failure: None,
    };
    let outcome = history::runner(&files, Target::Version(last))
        .run_async(&mut engine)
        .await;
    report(Progress::Done);
    match (outcome, engine.failure) {
        (Ok(_), _) => {
            // What follows must not run as the role of the last file.
            session::reset(engine.connection).await?;
            Ok(engine.done)
        }
        (Err(_), Some(failure)) => Err(failure),
        (Err(error), None) => Err(history::contradiction(&error, &history, plan.migrations)),
    }
}

/// Runs an applied migration again, without touching the history: for bootstrap migrations, which
/// are written so that running them again changes nothing that is there.
///
/// # Errors
/// The failure of the statement that failed; everything was rolled back.
pub async fn repeat(connection: &mut PgConnection, migration: &Migration) -> Result<()> {
    step::repeat(connection, migration).await
}

/// The connection that refinery drives.
struct Engine<'a> {
    connection: &'a mut PgConnection,
    lock: &'a Lock,
    owner: Option<&'a str>,
    floor: Option<i64>,
    report: Report<'a>,
    create: String,
    due: VecDeque<&'a Migration>,
    done: Vec<Done>,
    failure: Option<Failure>,
}

/// Tells refinery to stop; the reason is kept in [`Engine::failure`].
#[derive(Debug)]
struct Stopped;

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("stopped")
    }
}

impl std::error::Error for Stopped {}

impl Engine<'_> {
    async fn apply(&mut self, queries: &[&str]) -> Result<()> {
        match queries {
            [create] => {
                self.create = (*create).to_owned();
                Ok(())
            }
            [text, record] => {
                let migration = self
                    .due
                    .pop_front()
                    .filter(|m| m.up.document.text == *text)
                    .ok_or_else(|| {
                        Failure::bug("refinery and edu disagree about the next migration")
                    })?;
                (self.report)(Progress::Detail(migration.up.document.path.clone()));
                let begun = Instant::now();
                let step = step::Step {
                    migration,
                    create: &self.create,
                    record,
                    owner: self.owner,
                    lock: self.lock,
                };
                step.run(self.connection, self.report)
                    .await
                    .map_err(|f| self.after(f))?;
                self.done.push(Done {
                    version: migration.version,
                    path: migration.up.document.path.clone(),
                    took_ms: milliseconds(begun.elapsed()),
                });
                (self.report)(Progress::At(self.done.len() as u64));
                Ok(())
            }
            _ => Err(Failure::bug("refinery asked for a batch edu does not run")),
        }
    }

    /// Adds what stays applied.
    fn after(&self, failure: Failure) -> Failure {
        match self.done.as_slice() {
            [] => failure.detail("No migration of this run was applied."),
            [one] => failure.detail(format!("V{} was applied before it.", one.version)),
            [first, .., last] => failure.detail(format!(
                "V{} to V{} were applied before it.",
                first.version, last.version
            )),
        }
    }
}

fn milliseconds(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

impl AsyncTransaction for Engine<'_> {
    type Error = Stopped;

    async fn execute<'a, T: Iterator<Item = &'a str> + Send + 'a>(
        &'a mut self,
        queries: T,
    ) -> std::result::Result<usize, Stopped> {
        let queries: Vec<&str> = queries.collect();
        match self.apply(&queries).await {
            Ok(()) => Ok(queries.len()),
            Err(failure) => {
                self.failure = Some(failure);
                Err(Stopped)
            }
        }
    }
}

impl AsyncQuery<Vec<refinery_core::Migration>> for Engine<'_> {
    async fn query<'a>(
        &'a mut self,
        _: &'a str,
    ) -> std::result::Result<Vec<refinery_core::Migration>, Stopped> {
        match history::read(self.connection).await {
            Ok(history) => {
                let shown = order::shown(&history, self.floor);
                Ok(shown.iter().map(history::as_refinery).collect())
            }
            Err(failure) => {
                self.failure = Some(failure);
                Err(Stopped)
            }
        }
    }
}

impl AsyncMigrate for Engine<'_> {}
