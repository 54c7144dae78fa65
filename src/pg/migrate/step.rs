//! One migration: what its session starts from, and the words for what becomes of it.
//!
//! How its statements run is the business of [`super::transact`] and [`super::plain`].

mod conclude;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnection;

use super::audit::Run;
use super::context::Context;
use super::journal::Entry;
use super::watch::{Broken, Watch};
use super::{lost, plain, record, transact};
use crate::catalog::name::quote_ident;
use crate::failure::{Exit, Failure, Result};
use crate::pg::error::{failure, server_error};
use crate::pg::message::{Message, send};
use crate::pg::session;
use crate::progress::Report;
use crate::spec::migration::{Migration, SqlFile};
use crate::sql::header::Role;
use crate::sql::target::StrongLock;

/// Fails outside the transaction that edu began: edu's are deferrable, which says nothing in one that
/// writes, and which no other is.
pub(super) const SAME_TRANSACTION: &str = "SELECT 1 / (CASE pg_catalog.current_setting('transaction_deferrable') WHEN 'on' THEN 1 ELSE 0 END)";

/// One migration that is to run now.
pub(super) struct Step<'a> {
    pub migration: &'a Migration,
    /// The file that runs: the migration's way there, or its way back.
    pub file: &'a SqlFile,
    /// Which of both it is.
    pub way: Way<'a>,
    pub owner: Option<&'a str>,
    pub context: &'a Context,
    pub watch: &'a Watch<'a>,
    /// The audit trail; none before edu's own schema can be there.
    pub run: Option<&'a Run>,
    /// The first and the last migration of the run.
    pub first: bool,
    pub last: bool,
    /// The strong locks that the whole file asks for.
    pub locks: &'a [StrongLock],
    /// The journal's entries of this migration.
    pub entries: &'a [Entry],
}

/// Where a file leads.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way<'a> {
    /// The version is applied after it.
    There {
        /// refinery's CREATE TABLE of the schema history; empty when the table is there.
        create: &'a str,
        /// refinery's INSERT into the schema history.
        insert: &'a str,
    },
    /// The version is not applied any more after it.
    Back,
}

/// What running a migration took.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Effort {
    pub attempts: u32,
    pub lock_wait: Duration,
}

impl Step<'_> {
    /// Runs the migration and records it, its failure too.
    pub async fn run(&self, connection: &mut PgConnection) -> Result<()> {
        let begun = Instant::now();
        let mut effort = Effort::default();
        if record::may_forget(&self.file.document.text) {
            self.watch.knows.forget();
        }
        if record::may_watch(&self.file.document.text) {
            self.watch.rereads.store(true, Ordering::Relaxed);
        }
        let outcome = if self.file.header.no_transaction {
            plain::run(self, connection, &mut effort).await
        } else {
            transact::run(self, connection, &mut effort).await
        };
        match outcome {
            Ok(()) => Ok(()),
            Err(failure) => Err(lost::conclude(self, failure, self.ended(begun, effort)).await),
        }
    }

    pub fn name(&self) -> String {
        match self.way {
            Way::There { .. } => format!("V{}", self.migration.version),
            Way::Back => format!("the way back from V{}", self.migration.version),
        }
    }

    /// The state after a failure that left nothing behind.
    pub fn as_before(&self) -> String {
        let version = self.migration.version;
        match self.way {
            Way::There { .. } => format!("V{version} was rolled back."),
            Way::Back => format!("V{version} is applied as before."),
        }
    }

    /// The same, where the server alone sees to it.
    pub fn server_undoes(&self) -> String {
        let version = self.migration.version;
        match self.way {
            Way::There { .. } => format!("The server rolls V{version} back."),
            Way::Back => format!("The server undoes it: V{version} is applied as before."),
        }
    }

    /// The command that goes on where this one stopped.
    pub fn again(&self) -> &'static str {
        match self.way {
            Way::There { .. } => "edu db migrate",
            Way::Back => "edu db rollback",
        }
    }

    pub fn report(&self) -> Report<'_> {
        self.watch.report
    }

    /// Who runs it; none: whoever is connected.
    pub fn role(&self) -> Option<&str> {
        match &self.file.header.role {
            Some(Role::Superuser) => None,
            Some(Role::Named(role)) => Some(role),
            None => self.owner,
        }
    }

    /// What brings the session to the state in which every file starts.
    pub fn start(&self, lock_limit: Duration) -> Message {
        let mut message = Message::default();
        for statement in session::fresh() {
            message.add(statement);
        }
        message.add(&format!(
            "SET lock_timeout = '{}ms'",
            lock_limit.as_millis().max(1)
        ));
        let own = self.file.header.statement_timeout;
        let limit = own.map(Duration::from).or(self.context.budget.statement);
        if let Some(limit) = limit {
            message.add(&format!(
                "SET statement_timeout = '{}ms'",
                limit.as_millis()
            ));
        }
        if let Some(role) = self.role() {
            message.add(&format!("SET ROLE {}", quote_ident(role)));
        }
        message
    }

    /// Words the failure of one of edu's own statements at the start.
    pub fn start_failure(&self, error: &sqlx::Error) -> Failure {
        match self.role() {
            Some(role) => failure(&format!("become the role \"{role}\""), error)
                .exit(Exit::Refused)
                .hint("Bootstrap first (edu db bootstrap), or connect as a member of that role."),
            None => failure("prepare the session", error),
        }
    }

    /// A statement that fails when our lock is lost.
    pub fn fence(&self) -> String {
        format!(
            "SELECT 1 / (CASE WHEN {} THEN 1 ELSE 0 END)",
            self.watch.lock.held_sql()
        )
    }

    /// The failure of a file that committed or rolled back by itself.
    pub fn ended_transaction(&self) -> Failure {
        let path = &self.file.document.path;
        Failure::new(
            Exit::Partial,
            format!("\"{path}\" ended the transaction that edu began for it"),
        )
        .detail("What stood before that point may be committed and stay; the history has no row of it.")
        .hint("Take COMMIT and ROLLBACK out of what it runs, bring the database back by hand to what the history says, and run the command again.")
    }

    /// Ends the open transaction without a trace. Where the server answers with an error, its session is ended,
    /// and `connection` becomes a new one. PostgreSQL 18 can stumble in taking a statement back whose lock did not
    /// come in time ("ResourceOwnerEnlarge called after release started"); nothing can be done in that session then.
    ///
    /// # Errors
    /// What the server said instead of confirming it, as a sentence.
    pub async fn roll_back(
        &self,
        connection: &mut PgConnection,
    ) -> std::result::Result<(), String> {
        let rollback = send(connection, "ROLLBACK".to_owned(), false);
        let refused = match self.watch.run("rolling back", true, rollback).await {
            Ok(_) => return Ok(()),
            Err(Broken::Stop(stop)) if server_error(&stop.error).is_some() => {
                match lost::renew(self, connection).await {
                    Ok(()) => return Ok(()),
                    Err(failure) => format!("{}; {}", stop.error, failure.error),
                }
            }
            Err(Broken::Stop(stop)) => stop.error.to_string(),
            Err(Broken::LockLost(failure)) => failure.error,
            Err(Broken::Silent) => "the session does not answer".to_owned(),
        };
        Err(format!("ROLLBACK was not confirmed: {refused}."))
    }
}
