//! One runner per database: a session advisory lock on a connection of its own.
//!
//! The lock is polled and never waited for in the server: a blocking waiter holds a snapshot that
//! CREATE INDEX CONCURRENTLY in the holder waits for, and both would deadlock. The connection is in
//! autocommit and holds no transaction between polls.

use std::time::{Duration, Instant};

use sqlx::postgres::PgConnection;
use sqlx::{Connection, Row};

use super::error::failure;
use super::{Server, session};
use crate::failure::{Exit, Failure, Result};
use crate::progress::{Progress, Report, human_time};

/// The first key of every advisory lock of edu's: "edu" and a zero byte.
const CLASS: i32 = 0x6564_7500;

/// What a lock excludes others from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Anything that changes the database's structure, history or seed rows.
    Change = 1,
    /// Changes to roles, grants on databases and extensions: they collide across databases of one
    /// cluster. Taken in database "postgres".
    Cluster = 2,
}

/// A held lock. It ends when dropped, or with the process.
pub struct Lock {
    connection: PgConnection,
    pid: i32,
    purpose: Purpose,
}

impl Lock {
    /// Takes the lock, polling until `timeout` and telling who holds it.
    ///
    /// # Errors
    /// Exit 6 with the holder's pid, user, application, address and since when.
    pub async fn take(
        server: &Server,
        purpose: Purpose,
        timeout: Duration,
        report: Report<'_>,
    ) -> Result<Self> {
        let mut connection = server.connect("edu lock").await?;
        session::run(
            &mut connection,
            "SET client_connection_check_interval = '500ms'; SET idle_session_timeout = 0",
            "prepare the lock's connection",
        )
        .await?;
        let pid = sqlx::query_scalar("SELECT pg_catalog.pg_backend_pid()")
            .fetch_one(&mut connection)
            .await
            .map_err(|error| failure("prepare the lock's connection", &error))?;
        let begun = Instant::now();
        let mut pause = Duration::from_millis(50);
        loop {
            if try_take(&mut connection, purpose).await? {
                return Ok(Self {
                    connection,
                    pid,
                    purpose,
                });
            }
            let holder = holder(&mut connection, purpose).await?;
            if begun.elapsed() >= timeout {
                return Err(Failure::new(
                    Exit::Lock,
                    format!("could not get the lock within {}", human_time(timeout)),
                )
                .detail(holder)
                .hint("Wait for that run to end, or give more time with --lock-timeout."));
            }
            report(Progress::Detail(format!("waiting: {holder}")));
            tokio::time::sleep(pause.min(timeout.saturating_sub(begun.elapsed()))).await;
            pause = (pause * 2).min(Duration::from_millis(500));
        }
    }

    /// Proves, inside the caller's transaction on `work`, that this lock is still held.
    ///
    /// # Errors
    /// Exit 6 when it is not: another run may have begun.
    pub async fn check(&self, work: &mut PgConnection) -> Result<()> {
        let held: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_locks
             WHERE locktype = 'advisory' AND granted AND pid = $1
               AND classid::int8 = $2 AND objid::int8 = $3)",
        )
        .bind(self.pid)
        .bind(i64::from(CLASS))
        .bind(self.purpose as i64)
        .fetch_one(work)
        .await
        .map_err(|error| failure("see whether the lock is still held", &error))?;
        if held {
            return Ok(());
        }
        Err(
            Failure::new(Exit::Lock, "the lock was lost while the command ran")
                .detail("The connection that held it is gone.")
                .hint("Run the command again; it goes on where this run stopped."),
        )
    }

    /// Gives the lock back and closes its connection.
    pub async fn release(self) {
        let _ = self.connection.close().await;
    }
}

async fn try_take(connection: &mut PgConnection, purpose: Purpose) -> Result<bool> {
    sqlx::query_scalar("SELECT pg_catalog.pg_try_advisory_lock($1, $2)")
        .bind(CLASS)
        .bind(purpose as i32)
        .fetch_one(connection)
        .await
        .map_err(|error| failure("ask for the lock", &error))
}

/// Who changes this database's structure at this moment, as a sentence; nothing when nobody does.
///
/// # Errors
/// When the locks cannot be read.
pub async fn current(connection: &mut PgConnection) -> Result<Option<String>> {
    let held: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_locks
         WHERE locktype = 'advisory' AND granted AND classid::int8 = $1 AND objid::int8 = $2
           AND database = (SELECT oid FROM pg_catalog.pg_database
                           WHERE datname = pg_catalog.current_database()))",
    )
    .bind(i64::from(CLASS))
    .bind(Purpose::Change as i64)
    .fetch_one(&mut *connection)
    .await
    .map_err(|error| failure("see whether a run is in progress", &error))?;
    if held {
        holder(connection, Purpose::Change).await.map(Some)
    } else {
        Ok(None)
    }
}

/// One sentence about who holds the lock.
async fn holder(connection: &mut PgConnection, purpose: Purpose) -> Result<String> {
    let row = sqlx::query(
        "SELECT a.pid, a.usename::text, a.application_name,
                COALESCE(pg_catalog.host(a.client_addr), 'this machine') AS address,
                pg_catalog.to_char(a.backend_start, 'HH24:MI:SS') AS since
         FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
         WHERE l.locktype = 'advisory' AND l.granted AND l.classid::int8 = $1 AND l.objid::int8 = $2
           AND l.database = (SELECT oid FROM pg_catalog.pg_database
                             WHERE datname = pg_catalog.current_database())",
    )
    .bind(i64::from(CLASS))
    .bind(purpose as i64)
    .fetch_optional(connection)
    .await
    .map_err(|error| failure("see who holds the lock", &error))?;
    Ok(match row {
        None => "It was released just now.".to_owned(),
        Some(row) => format!(
            "Session {} (user \"{}\", application \"{}\", from {}) has held it since {}.",
            row.get::<i32, _>("pid"),
            row.get::<Option<String>, _>("usename").unwrap_or_default(),
            row.get::<Option<String>, _>("application_name")
                .unwrap_or_default(),
            row.get::<String, _>("address"),
            row.get::<String, _>("since"),
        ),
    })
}
