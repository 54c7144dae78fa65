//! The journal of migrations without a transaction: which statement was begun, which was done.
//!
//! It is written on the lock's connection: whoever can write it holds the lock. A statement that can
//! run in a transaction is marked within it; the others are announced before and marked after.

use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::postgres::PgConnection;

use crate::catalog::name::{quote_ident, quote_literal};
use crate::failure::{Exit, Failure, Result, cut};
use crate::pg::PRIVATE;
use crate::pg::error::failure;
use crate::pg::lock::Lock;
use crate::pg::message::Message;
use crate::spec::migration::SqlFile;
use crate::sql::fingerprint::fingerprint;
use crate::sql::split::Statement;

/// How much of a statement the journal keeps. Units: characters.
const STATEMENT_MAX: usize = 500;

/// One statement of a migration that has begun and is not recorded as applied yet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    /// The migration's version.
    pub version: i64,
    /// Which statement, counted from 1.
    pub k: i32,
    /// Of how many.
    pub n: i32,
    /// The statement's fingerprint.
    pub checksum: String,
    /// The statement's beginning.
    pub statement: String,
    /// It has ended well. Otherwise it runs, or nobody knows how it ended.
    pub done: bool,
    /// When it was begun, as the server writes it.
    pub started_at: String,
}

/// A statement's place in its migration.
pub(super) struct Place<'a> {
    pub version: i64,
    pub k: usize,
    pub n: usize,
    pub statement: &'a Statement,
}

impl Place<'_> {
    /// A statement that writes the entry, as done or as begun.
    pub fn write(&self, done: bool) -> Result<String> {
        let done = if done {
            "pg_catalog.clock_timestamp()"
        } else {
            "NULL"
        };
        Ok(format!(
            "INSERT INTO edu.journal (version, k, n, checksum, statement, done_at)
             VALUES ({}, {}, {}, {}, {}, {done}) ON CONFLICT (version, k) DO UPDATE
             SET n = EXCLUDED.n, checksum = EXCLUDED.checksum, statement = EXCLUDED.statement,
                 started_at = EXCLUDED.started_at, done_at = EXCLUDED.done_at",
            self.version,
            self.k,
            self.n,
            quote_literal(&fingerprint(&self.statement.text))?,
            quote_literal(&cut(&self.statement.text, STATEMENT_MAX))?,
        ))
    }

    /// A statement that takes the entry back: the statement is known to have had no effect.
    pub fn erase(&self) -> String {
        format!(
            "DELETE FROM edu.journal WHERE version = {} AND k = {}",
            self.version, self.k
        )
    }
}

/// Makes the journal, unless it is there.
///
/// # Errors
/// Exit 6 when the lock is lost.
pub(super) async fn make(lock: &Lock, owner: Option<&str>) -> Result<()> {
    let path = "SET LOCAL search_path = ''";
    note(lock, owner, &[path, include_str!("journal.sql"), PRIVATE]).await
}

/// A statement that removes a migration's entries, once the history has it.
pub(super) fn clear(version: i64) -> String {
    format!("DELETE FROM edu.journal WHERE version = {version}")
}

/// Writes to the journal as its owner, on the lock's connection.
///
/// # Errors
/// Exit 6 when the lock is lost.
pub(super) async fn note(lock: &Lock, owner: Option<&str>, statements: &[&str]) -> Result<()> {
    let mut message = Message::default();
    if let Some(owner) = owner {
        message.add(&format!("SET LOCAL ROLE {}", quote_ident(owner)));
    }
    for statement in statements {
        message.add(statement);
    }
    lock.ask(message).await.map(drop)
}

/// Refuses to go on with a migration whose finished statements are not the file's any more.
///
/// # Errors
/// Exit 9 naming the statement.
pub(super) fn check(entries: &[Entry], file: &SqlFile) -> Result<()> {
    let statements = &file.script.statements;
    for entry in entries.iter().filter(|entry| entry.done) {
        let now = usize::try_from(entry.k - 1)
            .ok()
            .and_then(|at| statements.get(at));
        if now.is_none_or(|statement| fingerprint(&statement.text) != entry.checksum) {
            return Err(Failure::new(
                Exit::Partial,
                format!(
                    "\"{}\" was changed in a part that is done",
                    file.document.path
                ),
            )
            .detail(format!(
                "Statement {} of V{} was run as: {}",
                entry.k, entry.version, entry.statement
            ))
            .hint("Put that statement back as it was, and what is new behind it."));
        }
    }
    Ok(())
}

/// How an open entry is resolved by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// The statement has had its effect.
    MarkDone,
    /// It has had none, and is to be run again.
    Retry,
}

/// Resolves the open entry of statement `k` of `version`. The caller holds the lock.
///
/// # Errors
/// Exit 2 when there is no such open entry.
pub async fn resolve(
    connection: &mut PgConnection,
    owner: Option<&str>,
    version: i64,
    k: i32,
    resolution: Resolution,
) -> Result<()> {
    let nothing = || {
        Failure::usage(format!("the journal has no open entry {version}:{k}"))
            .hint("See what is open: edu db repair")
    };
    let there: bool =
        sqlx::query_scalar("SELECT pg_catalog.to_regclass('edu.journal') IS NOT NULL")
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| failure("look for the journal", &error))?;
    if !there {
        return Err(nothing());
    }
    let mut message = Message::default();
    if let Some(owner) = owner {
        message.add(&format!("SET LOCAL ROLE {}", quote_ident(owner)));
    }
    let change = match resolution {
        Resolution::MarkDone => "UPDATE edu.journal SET done_at = pg_catalog.clock_timestamp()",
        Resolution::Retry => "DELETE FROM edu.journal",
    };
    message.add(&format!(
        "{change} WHERE version = {version} AND k = {k} AND done_at IS NULL RETURNING k"
    ));
    let rows = message
        .send(connection)
        .await
        .map_err(|stop| failure("change the journal", &stop.error))?;
    match rows.first().map(|row| row.get::<i32, _>("k")) {
        Some(_) => Ok(()),
        None => Err(nothing()),
    }
}
