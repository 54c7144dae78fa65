//! One runner per database: a session advisory lock on a connection of its own. Runs that build indexes
//! share it, so that they exclude whatever changes the database and not each other.
//!
//! The lock is polled and never waited for in the server: a blocking waiter holds a snapshot that
//! CREATE INDEX CONCURRENTLY in the holder waits for, and both would deadlock. The connection is in
//! autocommit and holds no transaction between polls. While a command works, the same connection
//! watches: whom the work waits for, and whether the lock is still ours.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Connection, Row};
use tokio::sync::{Mutex, MutexGuard};

use super::error::failure;
use super::holder::{self, Holder};
use super::message::{self, Message};
use super::{Server, session};
use crate::failure::{Exit, Failure, Result};
use crate::progress::{Progress, Report, human_time};

/// The first key of every advisory lock of edu's: "edu" and a zero byte.
pub(super) const CLASS: i32 = 0x6564_7500;

/// The headline of a lock that was lost.
const LOST: &str = "the lock was lost while the command ran";

/// How long the lock's connection may take to answer before it counts as dead.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// What a lock excludes others from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Anything that changes the database's structure, history or seed rows.
    Change,
    /// Building vector indexes: not while anything changes, but beside other builds. Each table has a lock
    /// of its own besides.
    Build,
    /// Changes to roles, grants on databases and extensions: they collide across databases of one
    /// cluster. Taken in database "postgres".
    Cluster,
}

impl Purpose {
    /// The second key of the lock.
    pub(super) const fn key(self) -> i32 {
        match self {
            Self::Change | Self::Build => 1,
            Self::Cluster => 2,
        }
    }

    /// The function that takes it, or says that others hold it.
    const fn function(self) -> &'static str {
        match self {
            Self::Build => "pg_try_advisory_lock_shared",
            Self::Change | Self::Cluster => "pg_try_advisory_lock",
        }
    }
}

/// A held lock. It ends when dropped, or with the process.
pub struct Lock {
    server: Server,
    connection: Mutex<PgConnection>,
    pid: i32,
    purpose: Purpose,
    waited: Duration,
    bare: AtomicBool,
    /// The connection has died; it is not asked again.
    dead: AtomicBool,
}

impl Lock {
    /// Takes the lock, polling until `timeout` and telling who holds it.
    ///
    /// # Errors
    /// Exit 6 with the holder's pid, user, application, address, since when, and its statement.
    pub async fn take(
        server: &Server,
        purpose: Purpose,
        timeout: Duration,
        report: Report<'_>,
    ) -> Result<Self> {
        let mut connection = server.connect("edu lock").await?;
        let begun = Instant::now();
        let mut pause = Duration::from_millis(50);
        let mut told = None;
        loop {
            let attempt = try_take(&mut connection, purpose).await?;
            if attempt.held {
                return Ok(Self {
                    server: server.clone(),
                    connection: Mutex::new(connection),
                    pid: attempt.pid,
                    purpose,
                    waited: begun.elapsed(),
                    bare: AtomicBool::new(attempt.bare),
                    dead: AtomicBool::new(false),
                });
            }
            let holder = holder::find(&mut connection, purpose).await?;
            if begun.elapsed() >= timeout {
                return Err(not_obtained(holder, timeout));
            }
            if let Some(holder) = &holder {
                if told != Some(holder.pid) {
                    told = Some(holder.pid);
                    report(Progress::Note(format!("waiting for the lock: {holder}")));
                }
                let waited = human_time(begun.elapsed());
                report(Progress::Detail(format!("waiting for {waited}: {holder}")));
            }
            let jitter = Duration::from_millis(u64::from(uuid::Uuid::new_v4().as_bytes()[0]) / 4);
            let left = timeout.saturating_sub(begun.elapsed());
            tokio::time::sleep((pause + jitter).min(left)).await;
            pause = (pause * 2).min(Duration::from_millis(500));
        }
    }

    /// The lock's session on the server.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// How long it was waited for.
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// Whether the database had neither a history nor a schema of edu's own when the lock was taken. True for
    /// the first who asks: others cannot know what was made since.
    pub(super) fn found_bare(&self) -> bool {
        self.bare.swap(false, Ordering::Relaxed)
    }

    /// Where it was taken.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// An expression that is true while this lock is held, whoever asks.
    pub fn held_sql(&self) -> String {
        held_sql(self.pid, self.purpose)
    }

    /// Proves, inside the caller's transaction on `work`, that this lock is still held.
    ///
    /// # Errors
    /// Exit 6 when it is not: another run may have begun.
    pub async fn check(&self, work: &mut PgConnection) -> Result<()> {
        let sql = format!("SELECT {} AS held", self.held_sql());
        let rows = message::ask(work, sql)
            .await
            .map_err(|stop| failure("see whether the lock is still held", &stop.error))?;
        match rows.first().map(|row| row.get::<bool, _>("held")) {
            Some(true) => Ok(()),
            _ => Err(lost()),
        }
    }

    /// Asks the lock's own connection something. It is in autocommit; the text must leave nothing
    /// behind.
    ///
    /// # Errors
    /// Exit 6 when the connection is dead, which means that the lock is lost.
    pub async fn ask(&self, text: Message) -> Result<Vec<PgRow>> {
        if self.dead.load(Ordering::Relaxed) {
            return Err(lost());
        }
        let work = async {
            let mut connection = self.connection.lock().await;
            text.send(&mut connection).await
        };
        match tokio::time::timeout(ANSWER_MAX, work).await {
            Ok(Ok(rows)) => Ok(rows),
            Ok(Err(stop)) if !ends_session(&stop.error) => {
                Err(failure("look from the lock's connection", &stop.error))
            }
            _ => {
                self.dead.store(true, Ordering::Relaxed);
                Err(lost())
            }
        }
    }

    /// The lock's own connection, for work that takes longer than a question. No transaction may stay open
    /// on it while the migrations run.
    pub(super) async fn connection(&self) -> MutexGuard<'_, PgConnection> {
        self.connection.lock().await
    }

    /// What gives the lock back if the session that took it answers. One row: `ours`, whether it did.
    pub(super) fn give_back(&self) -> String {
        let unlock = match self.purpose {
            Purpose::Build => "pg_advisory_unlock_shared",
            Purpose::Change | Purpose::Cluster => "pg_advisory_unlock",
        };
        format!(
            "SELECT CASE WHEN pg_catalog.pg_backend_pid() = {} THEN pg_catalog.{unlock}({CLASS}, {}) END
                    IS NOT NULL AS ours",
            self.pid,
            self.purpose.key()
        )
    }

    /// Gives the lock back and closes its connection.
    pub async fn release(self) {
        let _ = self.connection.into_inner().close().await;
    }
}

/// An expression that is true while session `pid` holds the lock in the current database.
fn held_sql(pid: i32, purpose: Purpose) -> String {
    format!(
        "EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.locktype = 'advisory' AND l.granted
           AND l.pid = {pid} AND l.classid = {CLASS} AND l.objid = {})",
        purpose.key()
    )
}

/// The failure that says that the lock is not ours any more.
pub(super) fn lost() -> Failure {
    Failure::new(Exit::Lock, LOST)
        .detail("The connection that held it is gone.")
        .hint("Run the command again; it goes on where this run stopped.")
}

/// Whether that is what a failure says.
pub(super) fn is_lost(failure: &Failure) -> bool {
    failure.error == LOST
}

/// Whether a session is over after this: the connection broke, or the server said a last word on it.
/// Source: the PostgreSQL manual, "PostgreSQL Error Codes", classes 08 and 57.
pub(super) fn ends_session(error: &sqlx::Error) -> bool {
    match super::error::sqlstate(error) {
        "57P01" | "57P02" | "57P03" | "57P04" | "57P05" | "25P03" => true,
        code => code.is_empty() || code.starts_with("08"),
    }
}

fn not_obtained(holder: Option<Holder>, timeout: Duration) -> Failure {
    let failure = Failure::new(
        Exit::Lock,
        format!("could not get the lock within {}", human_time(timeout)),
    );
    match holder {
        Some(holder) => failure.detail(holder.to_string()),
        None => failure.detail("It was released just now."),
    }
    .hint("Wait for that run, give more time with --lock-timeout, or look at it: edu db lock")
}

/// What asking for the lock gave.
struct Attempt {
    held: bool,
    pid: i32,
    /// There is neither a history nor a schema of edu's own.
    bare: bool,
}

async fn try_take(connection: &mut PgConnection, purpose: Purpose) -> Result<Attempt> {
    let mut message = Message::default();
    for setting in session::LASTING {
        message.add(setting);
    }
    message.add(&format!(
        "SELECT pg_catalog.pg_backend_pid() AS pid, pg_catalog.{}({CLASS}, {}) AS held,
                NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'edu')
                    AND NOT EXISTS (SELECT FROM pg_catalog.pg_class WHERE relname = 'refinery_schema_history') AS bare",
        purpose.function(),
        purpose.key()
    ));
    let rows = message
        .send(connection)
        .await
        .map_err(|stop| failure("ask for the lock", &stop.error))?;
    let row = rows
        .first()
        .ok_or_else(|| Failure::bug("the server did not say whether it gave the lock"))?;
    Ok(Attempt {
        held: row.get("held"),
        pid: row.get("pid"),
        bare: row.get("bare"),
    })
}
