//! Watching a statement from the lock's connection while it runs: whom it waits for, whether the lock
//! and the working connection still live, and breaking it off when a stop is asked for.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::{Duration, Instant};

use sqlx::Row;
use sqlx::postgres::PgRow;

use super::look::Look;
use crate::failure::Failure;
use crate::pg::cancel::Cancel;
use crate::pg::holder::short;
use crate::pg::lock::{self, Lock};
use crate::pg::message::{Message, Stop};
use crate::progress::{Progress, Report, human_time};

/// How often a running statement is looked at. Statements that are faster are never looked at.
const TICK: Duration = Duration::from_millis(500);

/// A working session that is idle on the server for so many looks, while edu waits for its answer, is
/// cut off.
const IDLE_TICKS_MAX: u32 = 4;

/// How long a statement that was cancelled may take to end.
const END_MAX: Duration = Duration::from_secs(5);

/// How a watched piece of work ended, if not well.
#[derive(Debug)]
pub(super) enum Broken {
    /// The server or the connection said so.
    Stop(Stop),
    /// The lock's connection is dead, and what says so. The work was left.
    LockLost(Failure),
    /// The working session is gone or does not answer.
    Silent,
}

/// Another session that stands in the way.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Blocker {
    pub pid: Option<i32>,
    pub user: String,
    pub application: String,
    pub age: Duration,
    pub statement: String,
}

impl std::fmt::Display for Blocker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(pid) = self.pid else {
            return write!(f, "a prepared transaction");
        };
        write!(
            f,
            "session {pid} (user \"{}\", application \"{}\", in a transaction for {}: {})",
            self.user,
            self.application,
            human_time(self.age),
            short(&self.statement)
        )
    }
}

/// The columns that [`Blocker::read`] takes, of a row `a` of pg_stat_activity.
pub(super) const BLOCKER: &str = "a.pid, COALESCE(a.usename::text, '?') AS usename,
    COALESCE(a.application_name, '?') AS application,
    COALESCE(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.xact_start) * 1000, 0)::int8 AS age_ms,
    COALESCE(a.query, '?') AS query";

impl Blocker {
    pub fn read(row: &PgRow) -> Self {
        Self {
            pid: row.get("pid"),
            user: row.get("usename"),
            application: row.get("application"),
            age: Duration::from_millis(row.get::<i64, _>("age_ms").unsigned_abs()),
            statement: row.get("query"),
        }
    }
}

/// Watches one working session.
pub(super) struct Watch<'a> {
    pub lock: &'a Lock,
    pub cancel: &'a Cancel,
    pub report: Report<'a>,
    /// The working session.
    pub session: AtomicI32,
    /// The lock's connection has prepared the peek.
    pub peeks: AtomicBool,
    /// What the working session has prepared.
    pub knows: Knows,
    /// A trigger may run after a row of the history was written: it is read once more before the commit.
    pub rereads: AtomicBool,
    /// Whom the last statement was seen waiting for.
    pub blockers: Mutex<Vec<Blocker>>,
}

/// What a session has prepared, so that it is planned once and not for every file.
///
/// A file may throw it away (`DEALLOCATE ALL`), and nobody knows whether it did; so after it everything is
/// prepared under new names.
#[derive(Debug, Default)]
pub(super) struct Knows {
    glance: AtomicBool,
    record: AtomicBool,
    number: AtomicI32,
}

impl Knows {
    /// Perhaps nothing any more.
    pub fn forget(&self) {
        self.number.fetch_add(1, Ordering::Relaxed);
        self.glance.store(false, Ordering::Relaxed);
        self.record.store(false, Ordering::Relaxed);
    }

    /// The name of the look before a file, and whether it is still to be prepared.
    pub fn glance(&self) -> (String, bool) {
        (
            self.name("glance"),
            !self.glance.swap(true, Ordering::Relaxed),
        )
    }

    /// The name of the record of a file, and whether it is still to be prepared.
    pub fn record(&self) -> (String, bool) {
        (
            self.name("record"),
            !self.record.swap(true, Ordering::Relaxed),
        )
    }

    fn name(&self, what: &str) -> String {
        format!("edu_{what}_{}", self.number.load(Ordering::Relaxed))
    }
}

impl<'a> Watch<'a> {
    /// Watches the session that took `look`, and nothing runs yet.
    pub fn new(lock: &'a Lock, cancel: &'a Cancel, report: Report<'a>, look: &Look) -> Self {
        Self {
            lock,
            cancel,
            report,
            session: look.pid.into(),
            peeks: false.into(),
            knows: Knows::default(),
            rereads: look.watched.into(),
            blockers: Mutex::default(),
        }
    }
}

impl Watch<'_> {
    /// Runs `work`. `what` names it for people. When a stop is asked for, the statement is cancelled
    /// on the server, unless `committing`: then it is left to end.
    pub async fn run<T>(
        &self,
        what: &str,
        committing: bool,
        work: impl Future<Output = Result<T, Stop>>,
    ) -> Result<T, Broken> {
        let mut work = std::pin::pin!(work);
        self.cancel
            .runs(Some(format!("{what} in session {}", self.pid())));
        let outcome = tokio::select! {
            biased;
            outcome = &mut work => outcome.map_err(Broken::Stop),
            broken = self.look_on(what) => Err(broken),
            () = self.cancel.wished(), if !committing => self.break_off(&mut work).await,
        };
        if !matches!(outcome, Err(Broken::Silent | Broken::LockLost(_))) {
            self.cancel.runs(None);
        }
        outcome
    }

    async fn break_off<T>(
        &self,
        work: &mut std::pin::Pin<&mut impl Future<Output = Result<T, Stop>>>,
    ) -> Result<T, Broken> {
        for function in ["pg_cancel_backend", "pg_terminate_backend"] {
            let mut message = Message::default();
            message.add(&format!("SELECT pg_catalog.{function}({})", self.pid()));
            if let Err(failure) = self.lock.ask(message).await {
                return Err(Broken::LockLost(failure));
            }
            if let Ok(outcome) = tokio::time::timeout(END_MAX, work.as_mut()).await {
                return outcome.map_err(Broken::Stop);
            }
        }
        Err(Broken::Silent)
    }

    /// Looks again and again; returns only when something is broken.
    async fn look_on(&self, what: &str) -> Broken {
        let begun = Instant::now();
        let mut idle = 0;
        let mut told: Vec<Option<i32>> = Vec::new();
        loop {
            tokio::time::sleep(TICK).await;
            let (active, held, blockers) = match self.look().await {
                Ok(seen) => seen,
                Err(failure) => return Broken::LockLost(failure),
            };
            if !held {
                return Broken::LockLost(lock::lost());
            }
            idle = if active { 0 } else { idle + 1 };
            if idle >= IDLE_TICKS_MAX {
                return Broken::Silent;
            }
            self.tell(what, begun.elapsed(), &blockers, &mut told);
            *self.seen() = blockers;
        }
    }

    fn tell(&self, what: &str, took: Duration, blockers: &[Blocker], told: &mut Vec<Option<i32>>) {
        let took = human_time(took);
        let Some(first) = blockers.first() else {
            (self.report)(Progress::Detail(format!("{what}, {took}")));
            return;
        };
        if !told.contains(&first.pid) {
            told.push(first.pid);
            (self.report)(Progress::Note(format!("{what} waits for {first}")));
        }
        (self.report)(Progress::Detail(format!("{what} waits {took} for {first}")));
    }

    /// Whether the working session is active, whether the lock is held, and who blocks.
    async fn look(&self) -> Result<(bool, bool, Vec<Blocker>), Failure> {
        let mut message = Message::default();
        message.add(&format!(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE pid = {} AND state = 'active') AS active,
                    {} AS held",
            self.pid(),
            self.lock.held_sql()
        ));
        message.add(&format!(
            "SELECT {BLOCKER} FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids({})) AS b (pid)
             LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = b.pid ORDER BY a.xact_start LIMIT 3",
            self.pid()
        ));
        let rows = self.lock.ask(message).await?;
        let (first, blockers) = rows
            .split_first()
            .ok_or_else(|| Failure::bug("the server did not answer the watch"))?;
        Ok((
            first.get("active"),
            first.get("held"),
            blockers.iter().map(Blocker::read).collect(),
        ))
    }

    /// The working session's process on the server.
    pub fn pid(&self) -> i32 {
        self.session.load(Ordering::Relaxed)
    }

    /// Whom the last statement was seen waiting for.
    pub fn seen(&self) -> std::sync::MutexGuard<'_, Vec<Blocker>> {
        self.blockers
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
