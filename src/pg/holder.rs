//! Who holds edu's lock, and ending that session.

use std::fmt;

use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};

use super::error::failure;
use super::lock::{CLASS, Purpose};
use super::message;
use crate::failure::{Failure, Result};
use crate::secret::hidden;

/// How much of a statement is shown. Units: characters.
const STATEMENT_MAX: usize = 120;

/// The session that holds the lock, and what its run is doing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Holder {
    /// The session's process on the server.
    pub pid: i32,
    /// The role it logged in as.
    pub user: Option<String>,
    /// What it calls itself.
    pub application: Option<String>,
    /// Where it comes from.
    pub address: String,
    /// Since when it is connected: hours, minutes, seconds; hidden from some roles.
    pub since: Option<String>,
    /// What the working session of the same client is running, as far as the asking role may see it.
    #[serde(serialize_with = "without_passwords")]
    pub statement: Option<String>,
}

fn without_passwords<S: serde::Serializer>(
    statement: &Option<String>,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    statement.as_deref().map(hidden).serialize(serializer)
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Session {} (user \"{}\", application \"{}\", from {}) has held it since {}",
            self.pid,
            self.user.as_deref().unwrap_or("?"),
            self.application.as_deref().unwrap_or("?"),
            self.address,
            self.since.as_deref().unwrap_or("?")
        )?;
        match &self.statement {
            Some(statement) => write!(f, "; its run is at: {}.", short(statement)),
            None => f.write_str("."),
        }
    }
}

/// The first words of a statement, on one line, without passwords and without what edu sent before it in the
/// same message.
pub fn short(statement: &str) -> String {
    let statement = match statement.split_once("BEGIN DEFERRABLE;\n") {
        Some((_, rest)) if !rest.is_empty() => rest,
        _ => statement,
    };
    let words: Vec<&str> = statement.split_whitespace().take(STATEMENT_MAX).collect();
    crate::failure::cut(&hidden(&words.join(" ")), STATEMENT_MAX)
}

/// A query for the holder of the lock `purpose` in the current database: one row or none.
///
/// The lock's own session is idle; what its run does is seen in the youngest active session of the
/// same client whose name begins with "edu".
pub(super) fn sql(purpose: Purpose) -> String {
    format!(
        "SELECT a.pid, a.usename::text AS user, a.application_name AS application,
            COALESCE(pg_catalog.host(a.client_addr), 'this machine') AS address,
            pg_catalog.to_char(a.backend_start, 'HH24:MI:SS') AS since,
            (SELECT w.query FROM pg_catalog.pg_stat_activity w
             WHERE w.datid = a.datid AND w.usesysid = a.usesysid AND w.pid <> a.pid
               AND w.pid <> pg_catalog.pg_backend_pid() AND w.application_name LIKE 'edu %'
               AND w.application_name <> 'edu lock' AND w.state = 'active'
               AND w.client_addr IS NOT DISTINCT FROM a.client_addr
             ORDER BY w.query_start DESC LIMIT 1) AS statement
         FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
         WHERE l.locktype = 'advisory' AND l.granted AND l.classid = {CLASS} AND l.objid = {}
           AND l.database = (SELECT oid FROM pg_catalog.pg_database
                             WHERE datname = pg_catalog.current_database())
         LIMIT 1",
        purpose.key()
    )
}

/// Who holds the lock, if anybody does.
///
/// # Errors
/// When the connection is lost.
pub async fn find(connection: &mut PgConnection, purpose: Purpose) -> Result<Option<Holder>> {
    let rows = message::send(connection, sql(purpose), true)
        .await
        .map_err(|stop| failure("see who holds the lock", &stop.error))?;
    Ok(rows.first().map(holder))
}

fn holder(row: &PgRow) -> Holder {
    Holder {
        pid: row.get("pid"),
        user: row.get("user"),
        application: row.get("application"),
        address: row.get("address"),
        since: row.get("since"),
        statement: row.get("statement"),
    }
}

/// Ends the session `pid`, and with it its hold on the lock. Its open transaction is rolled back.
///
/// # Errors
/// Exit 8 when the role may not end that session, exit 6 when it is not gone within 5 s.
pub async fn terminate(connection: &mut PgConnection, pid: i32) -> Result<()> {
    let sql = format!("SELECT pg_catalog.pg_terminate_backend({pid}, 5000) AS gone");
    let rows = message::ask(connection, sql)
        .await
        .map_err(|stop| failure(&format!("end session {pid}"), &stop.error))?;
    match rows.first().map(|row| row.get::<bool, _>("gone")) {
        Some(true) => Ok(()),
        _ => Err(Failure::new(
            crate::failure::Exit::Lock,
            format!("session {pid} did not end within 5 s"),
        )
        .hint("Look again: edu db lock")),
    }
}
