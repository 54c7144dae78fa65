//! The audit trail: one row per run, one per migration that ended.
//!
//! A row of success stands in the migration's own transaction. A failure is written on the lock's
//! connection, so that it outlives the rollback.

use std::time::Duration;

use super::context::Provenance;
use crate::catalog::name::{quote_ident, quote_literal};
use crate::failure::{Exit, Failure, Result};
use crate::pg::lock::{self, Lock};
use crate::pg::message::Message;
use crate::secret::hidden;
use crate::spec::migration::Migration;

/// The longest text kept of who runs what, and where. Units: characters.
const TEXT_MAX: usize = 250;

/// The longest message kept. Units: characters.
const MESSAGE_MAX: usize = 1_000;

/// Closes what killed runs left open, if nobody else can have begun one.
const ABANDON: &str = "UPDATE edu.run SET ended_at = pg_catalog.clock_timestamp(), outcome = 'abandoned' WHERE ended_at IS NULL";

/// Closes what killed runs left open, where this run has nothing to write itself. The lock is held.
///
/// # Errors
/// Exit 6 when the lock is lost.
pub(super) async fn abandon(lock: &Lock, owner: Option<&str>) -> Result<()> {
    let mut message = Message::default();
    if let Some(owner) = owner {
        message.add(&format!("SET LOCAL ROLE {}", quote_ident(owner)));
    }
    message.add(ABANDON);
    lock.ask(message).await.map(drop)
}

/// One checksum over all that is to be applied, in order.
pub(super) fn plan_hash(due: &[&Migration]) -> String {
    let mut text = String::new();
    for migration in due {
        text.push_str(&format!(
            "{} {}\n",
            migration.version,
            migration.fingerprint()
        ));
    }
    crate::sql::fingerprint::checksum(&text)
}

/// One run, from the first migration it tries.
pub(super) struct Run {
    id: uuid::Uuid,
    command: String,
    provenance: Provenance,
    plan_hash: String,
    lock_wait: Duration,
    owner: Option<String>,
}

/// How one migration ended.
pub(super) struct Ended<'a> {
    pub version: i64,
    pub name: &'a str,
    pub took: Duration,
    pub lock_wait: Duration,
    pub attempts: u32,
    /// How it ended when it ended well: "applied" or "rolled back".
    pub well: &'static str,
    /// None: it ended well.
    pub failure: Option<Failed>,
}

/// Why it is not.
#[derive(Debug, Clone)]
pub(super) struct Failed {
    pub outcome: &'static str,
    pub sqlstate: String,
    pub message: String,
}

impl Failed {
    pub fn of(failure: &Failure) -> Self {
        let outcome = match failure.exit {
            Exit::Cancelled | Exit::Terminated => "cancelled",
            Exit::Partial => "partial",
            Exit::Unreachable => "lost",
            _ if lock::is_lost(failure) => "lost",
            _ => "failed",
        };
        let message = std::iter::once(&failure.error)
            .chain(&failure.detail)
            .map(|text| hidden(text))
            .collect::<Vec<_>>()
            .join("; ");
        let sqlstate = failure
            .excerpt
            .as_ref()
            .map_or_else(String::new, |excerpt| excerpt.label.clone());
        Self {
            outcome,
            sqlstate,
            message,
        }
    }
}

impl Run {
    pub fn new(
        command: &str,
        provenance: Provenance,
        plan_hash: String,
        lock_wait: Duration,
        owner: Option<&str>,
    ) -> Self {
        Self {
            id: uuid::Uuid::new_v4(),
            command: command.to_owned(),
            provenance,
            plan_hash,
            lock_wait,
            owner: owner.map(str::to_owned),
        }
    }

    /// Statements that write the run's row, unless it is there, and close what a killed run left
    /// open. `outcome` closes the run too.
    pub fn open(&self, outcome: Option<&str>) -> Result<Vec<String>> {
        let abandon = format!("{ABANDON} AND id <> '{}'", self.id);
        Ok(vec![abandon, self.row(outcome)?])
    }

    /// A statement that writes the run's row, unless it is there.
    fn row(&self, outcome: Option<&str>) -> Result<String> {
        let by = &self.provenance;
        let optional = |text: &Option<String>| match text {
            Some(text) => short(text),
            None => Ok("NULL".to_owned()),
        };
        let dirty = by
            .dirty
            .map_or("NULL", |dirty| if dirty { "true" } else { "false" });
        let (ended, outcome) = match outcome {
            Some(outcome) => ("pg_catalog.clock_timestamp()", literal(outcome)?),
            None => ("NULL", "NULL".to_owned()),
        };
        let id = self.id;
        Ok(format!(
            "INSERT INTO edu.run (id, ended_at, outcome, command, who, host, application, revision,
                 dirty, plan_hash, lock_wait_ms)
             VALUES ('{id}', {ended}, {outcome}, {}, {}, {}, {}, {}, {dirty}, {}, {})
             ON CONFLICT (id) DO NOTHING",
            short(&self.command)?,
            short(&by.who)?,
            short(&by.host)?,
            short(&by.application)?,
            optional(&by.revision)?,
            literal(&self.plan_hash)?,
            self.lock_wait.as_millis(),
        ))
    }

    /// A statement that closes the run.
    pub fn close(&self, outcome: &str) -> Result<String> {
        Ok(format!(
            "UPDATE edu.run SET ended_at = pg_catalog.clock_timestamp(), outcome = {}
             WHERE id = '{}' AND ended_at IS NULL",
            literal(outcome)?,
            self.id
        ))
    }

    /// An INSERT of this run's row of one migration. `values` are those of version, name, time taken, time
    /// waited, attempts, outcome, SQLSTATE and message.
    pub fn insert_step(&self, values: &str) -> String {
        format!(
            "INSERT INTO edu.run_step (run, version, name, took_ms, lock_wait_ms, attempts, outcome,
                 sqlstate, message)
             VALUES ('{}', {values})",
            self.id
        )
    }

    /// A statement that writes how a migration ended.
    pub fn step(&self, ended: &Ended<'_>) -> Result<String> {
        let (outcome, sqlstate, message) = match &ended.failure {
            None => (ended.well, "NULL".to_owned(), "NULL".to_owned()),
            Some(failed) => (
                failed.outcome,
                literal(&failed.sqlstate)?,
                literal(&failed.message.chars().take(MESSAGE_MAX).collect::<String>())?,
            ),
        };
        Ok(self.insert_step(&format!(
            "{}, {}, {}, {}, {}, '{outcome}', {sqlstate}, {message}",
            ended.version,
            literal(ended.name)?,
            ended.took.as_millis(),
            ended.lock_wait.as_millis(),
            ended.attempts,
        )))
    }

    /// What writes a failure and closes the run. `alone` when nobody else can have begun a run: our lock is
    /// held, so that what other runs left open is closed too.
    pub fn failure(&self, ended: &Ended<'_>, alone: Alone) -> Result<Message> {
        let outcome = ended
            .failure
            .as_ref()
            .map_or(ended.well, |failed| failed.outcome);
        let mut message = Message::default();
        if let Some(owner) = &self.owner {
            message.add(&format!("SET LOCAL ROLE {}", quote_ident(owner)));
        }
        match alone {
            Alone::Yes => self.open(None)?.iter().for_each(|one| message.add(one)),
            Alone::Perhaps => message.add(&self.row(None)?),
        }
        message.add(&self.step(ended)?);
        message.add(&self.close(outcome)?);
        Ok(message)
    }
}

/// Whether other runs can be under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alone {
    /// No: our lock is held.
    Yes,
    /// Our lock is lost.
    Perhaps,
}

/// The beginning of a text, as a literal.
fn short(text: &str) -> Result<String> {
    literal(&text.chars().take(TEXT_MAX).collect::<String>())
}

/// A literal of text that may hold anything; a NUL byte cannot be stored.
fn literal(text: &str) -> Result<String> {
    quote_literal(&text.replace('\0', ""))
}
