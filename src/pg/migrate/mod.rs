//! Ordered migrations. refinery decides order, checksums and history; the transaction, the lock and
//! the session are edu's.
//!
//! refinery lives in this module and nowhere else.

pub mod adopt;
mod attest;
mod audit;
mod context;
pub mod down;
pub mod draft;
mod effect;
pub mod fingerprint;
mod guard;
pub mod history;
mod hygiene;
pub mod journal;
pub mod look;
mod lost;
pub mod order;
mod peek;
mod plain;
mod record;
mod repeat;
mod settle;
mod step;
mod store;
mod transact;
mod watch;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use refinery_core::traits::r#async::{AsyncQuery, AsyncTransaction};
use refinery_core::{AsyncMigrate, Target};
use sqlx::postgres::PgConnection;

use self::audit::Run;
use self::look::Look;
use self::watch::Watch;
use super::lock::Lock;
use crate::failure::{Failure, Result};
use crate::plan;
use crate::progress::{Progress, Report, Unit};
use crate::spec::manifest::Manifest;
use crate::spec::migration::Migration;

pub use attest::attest;
pub use context::{Budget, Context, Provenance};
pub use history::Applied;
pub use order::Tolerance;
pub use repeat::repeat;

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
    /// Whose run it is, and how patient.
    pub context: &'a Context,
    /// What it takes that is refused otherwise.
    pub tolerance: Tolerance,
    /// The project's graph, which may not be there yet.
    pub graph: Option<&'a str>,
    /// The plan that was made before; the run is refused when anything moved since.
    pub before: Option<&'a plan::Plan>,
}

impl<'a> Plan<'a> {
    /// A run over all of `migrations` that belong to `stage`, strict in everything.
    pub fn new(
        manifest: &'a Manifest,
        migrations: &'a [Migration],
        stage: Stage,
        context: &'a Context,
    ) -> Self {
        Self {
            migrations,
            stage,
            to: None,
            owner: manifest.roles.owner.as_deref(),
            context,
            tolerance: Tolerance::default(),
            graph: manifest.graph.as_ref().map(|graph| graph.name.as_str()),
            before: None,
        }
    }
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

/// What a run did, and what it left.
#[derive(Debug)]
pub struct Outcome<'a> {
    /// What it applied, in order.
    pub done: Vec<Done>,
    /// The next pending migration, which this run was not to apply.
    pub next: Option<&'a Migration>,
}

impl Outcome<'_> {
    /// Whether nothing is pending any more, so that graph and indexes can follow.
    ///
    /// # Errors
    /// Exit 8 when a migration that needs a superuser stopped an ordinary run.
    pub fn is_complete(&self, plan: &Plan<'_>) -> Result<bool> {
        match self.next {
            None => Ok(true),
            Some(next) if next.needs_superuser() && plan.to.is_none_or(|to| next.version <= to) => {
                let path = &next.up.document.path;
                Err(Failure::refused(format!("\"{path}\" needs a superuser"))
                    .detail("It is marked \"-- edu: role superuser\"; what comes after it waits for it.")
                    .hint("Run: edu db bootstrap"))
            }
            Some(_) => Ok(false),
        }
    }
}

/// What a run would apply, by version. Nothing is written and no lock is needed.
///
/// # Errors
/// Exit 4 when history and files contradict each other.
pub async fn due<'a>(connection: &mut PgConnection, plan: &Plan<'a>) -> Result<Vec<&'a Migration>> {
    due_and_untold(connection, plan).await.map(|(due, _)| due)
}

/// Like [`due`], with the applied bootstrap migrations that the audit trail knows nothing of.
///
/// # Errors
/// Those of [`due`].
pub async fn due_and_untold<'a>(
    connection: &mut PgConnection,
    plan: &Plan<'a>,
) -> Result<(Vec<&'a Migration>, Vec<&'a Migration>)> {
    let history = history::read(connection).await?;
    let pending = order::pending_with(&history, plan.migrations, plan.tolerance).await?;
    let untold = attest::untold(&history, plan.migrations)?;
    Ok((select(pending, plan), untold))
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
/// Exit 4 before anything ran when history and files contradict or the plan no longer fits, exit 8 when
/// the database is not this project's, edu is not alone with it, or a file has a hazard that it does not
/// allow; otherwise the failure of the first migration that failed, with what is applied and what was
/// rolled back.
pub async fn run<'a>(
    connection: &mut PgConnection,
    lock: &Lock,
    plan: &Plan<'a>,
    report: Report<'_>,
) -> Result<Outcome<'a>> {
    let guarded = guard::guard(connection, lock, plan, report);
    let ready = plan.context.cancel.or(guarded).await?;
    let guard::Ready {
        look, due, next, ..
    } = ready;
    let Some(last) = due.last().map(|migration| migration.version) else {
        return Ok(Outcome {
            done: Vec::new(),
            next,
        });
    };
    let ordinary = plan.stage == Stage::Ordinary;
    let run = Run::new(
        &plan.context.command,
        ready.provenance,
        audit::plan_hash(&due),
        lock.waited(),
        plan.owner,
    );
    let floor = order::floor(&look.history, plan.migrations, plan.tolerance);
    let files = history::files(order::offered(&look.history, plan.migrations, floor))?;
    let total = due.len() as u64;
    report(Progress::counted("migrating", total, Unit::Items));
    let mut engine = Engine {
        floor,
        connection,
        watch: Watch::new(lock, &plan.context.cancel, report, &look),
        plan,
        create: String::new(),
        run: ordinary.then_some(&run),
        look: &look,
        locks: ready.locks,
        due: due.into(),
        done: Vec::new(),
        failure: None,
    };
    let outcome = history::runner(&files, Target::Version(last))
        .run_async(&mut engine)
        .await;
    report(Progress::Done);
    match (outcome, engine.failure) {
        (Ok(_), _) => Ok(Outcome {
            done: engine.done,
            next,
        }),
        (Err(_), Some(failure)) => Err(failure),
        (Err(error), None) => Err(history::contradiction(
            &error,
            &look.history,
            plan.migrations,
        )),
    }
}

/// The connection that refinery drives.
struct Engine<'a> {
    connection: &'a mut PgConnection,
    watch: Watch<'a>,
    plan: &'a Plan<'a>,
    /// The first version that was passed over, where that is tolerated.
    floor: Option<i64>,
    /// Creates the history; empty when it is there.
    create: String,
    run: Option<&'a Run>,
    look: &'a Look,
    locks: draft::Locks,
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
                let begun = Instant::now();
                self.one(migration, record)
                    .await
                    .map_err(|f| self.after(f))?;
                self.done.push(Done {
                    version: migration.version,
                    path: migration.up.document.path.clone(),
                    took_ms: milliseconds(begun.elapsed()),
                });
                (self.watch.report)(Progress::At(self.done.len() as u64));
                Ok(())
            }
            _ => Err(Failure::bug("refinery asked for a batch edu does not run")),
        }
    }

    async fn one(&mut self, migration: &Migration, record: &str) -> Result<()> {
        (self.watch.report)(Progress::Detail(migration.up.document.path.clone()));
        if self.watch.cancel.requested().is_some() {
            return Err(self.watch.cancel.failure());
        }
        let entries: Vec<journal::Entry> = self
            .look
            .journal
            .iter()
            .filter(|entry| entry.version == migration.version)
            .cloned()
            .collect();
        let step = step::Step {
            migration,
            file: &migration.up,
            way: step::Way::There {
                create: if self.look.history.is_empty() && self.done.is_empty() {
                    &self.create
                } else {
                    ""
                },
                insert: record,
            },
            owner: self.plan.owner,
            context: self.plan.context,
            watch: &self.watch,
            run: self.run,
            first: self.done.is_empty(),
            last: self.due.is_empty(),
            locks: self
                .locks
                .get(&migration.version)
                .map_or(&[], Vec::as_slice),
            entries: &entries,
        };
        step.run(self.connection).await
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
        let shown = order::shown(&self.look.history, self.floor);
        Ok(shown.iter().map(history::as_refinery).collect())
    }
}

impl AsyncMigrate for Engine<'_> {}
