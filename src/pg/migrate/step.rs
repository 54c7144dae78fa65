//! One migration: what its session starts from, and the messages that record it.
//!
//! How its statements run is the business of [`super::transact`] and [`super::plain`].

use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnection, PgRow};

use super::audit::{Ended, Failed, Run};
use super::context::Context;
use super::journal::{self, Entry};
use super::watch::{Broken, Watch};
use super::{hygiene, plain, record, settle, transact};
use crate::catalog::name::quote_ident;
use crate::failure::{Exit, Failure, Result};
use crate::pg::error::failure;
use crate::pg::lock;
use crate::pg::message::{Message, Stop, send};
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
        let outcome = if self.file.header.no_transaction {
            plain::run(self, connection, &mut effort).await
        } else {
            transact::run(self, connection, &mut effort).await
        };
        if let (Err(failure), Some(run)) = (&outcome, self.run) {
            let mut ended = self.ended(begun, effort);
            ended.failure = Some(Failed::of(failure));
            run.record_failure(self.watch.lock, &ended).await;
        }
        outcome
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

    /// Writes the history row as the owner and commits, in one message. The transaction proves first
    /// that it is still the one edu began, and that our lock is held; otherwise it fails.
    pub async fn conclude(
        &self,
        connection: &mut PgConnection,
        begun: Instant,
        effort: Effort,
    ) -> Result<()> {
        let (message, order) = self.record_message(begun, effort)?;
        let query = hygiene::query(self.file);
        let text = match &query {
            Some(query) => format!("{}{query}", message.text()),
            None => message.text().to_owned(),
        };
        let doing = format!("record {}", self.name());
        let sent = self
            .watch
            .run(&doing, true, send(connection, text, true))
            .await;
        match sent {
            Ok(rows) => {
                let left = rows.last().filter(|_| query.is_some());
                self.tell_leftovers(connection, left).await;
                Ok(())
            }
            Err(Broken::Stop(stop)) if crate::pg::error::server_error(&stop.error).is_some() => {
                self.not_recorded(connection, &stop, &order).await
            }
            Err(broken) => settle::settle(self, connection, broken).await,
        }
    }

    /// The message that records, and where in it what stands.
    fn record_message(&self, begun: Instant, effort: Effort) -> Result<(Message, Order)> {
        let plain = self.file.header.no_transaction;
        let mut message = Message::default();
        if plain {
            message.add("BEGIN DEFERRABLE");
        }
        message.add("SET LOCAL search_path = ''");
        // Without an owner it is whoever connected, not the role that the file asked for.
        let owner = self.owner.map_or("NONE".to_owned(), quote_ident);
        message.add(&format!("SET LOCAL ROLE {owner}"));
        let ended = self.ended(begun, effort);
        match self.way {
            Way::There { create, insert } => {
                if !create.is_empty() {
                    message.add(create.trim_end().trim_end_matches(';'));
                }
                let (watch, run) = (self.watch, self.run);
                record::add(&mut message, watch, run, self.migration, insert, &ended)?;
            }
            Way::Back => record::take_back(&mut message, self.watch, self.run, &ended)?,
        }
        let proof = message.statements();
        if let Some(run) = self.run {
            self.audit(run, &mut message)?;
        }
        if plain && self.run.is_some() {
            message.add(&journal::clear(self.migration.version));
        }
        message.add("COMMIT");
        let order = Order {
            proof,
            commit: message.statements(),
        };
        // The next message is read by the server before its own reset runs.
        message.add("SET standard_conforming_strings = on");
        Ok((message, order))
    }

    /// Opens the run's row with its first migration and closes it with its last.
    fn audit(&self, run: &Run, message: &mut Message) -> Result<()> {
        let outcome = self.last.then_some("done");
        if self.first {
            for statement in run.open(outcome)? {
                message.add(&statement);
            }
        } else if let Some(outcome) = outcome {
            message.add(&run.close(outcome)?);
        }
        Ok(())
    }

    fn ended(&self, begun: Instant, effort: Effort) -> Ended<'_> {
        Ended {
            version: self.migration.version,
            name: &self.migration.name,
            took: begun.elapsed(),
            lock_wait: effort.lock_wait,
            attempts: effort.attempts,
            well: match self.way {
                Way::There { .. } => "applied",
                Way::Back => "rolled back",
            },
            failure: None,
        }
    }

    async fn tell_leftovers(&self, connection: &mut PgConnection, row: Option<&PgRow>) {
        let Some(row) = row else { return };
        let role = self.role().unwrap_or("none");
        hygiene::conclude(connection, row, role, self.file, self.report()).await;
    }

    /// Words why the record was refused, after rolling back.
    async fn not_recorded(
        &self,
        connection: &mut PgConnection,
        stop: &Stop,
        order: &Order,
    ) -> Result<()> {
        if stop.completed >= order.commit {
            // The commit had its answer; only the look at the leftovers failed.
            return Ok(());
        }
        self.roll_back(connection).await;
        let name = self.name();
        let path = &self.file.document.path;
        let said = crate::pg::error::server_error(&stop.error).map_or("", |e| e.message());
        let broken = record::broken(said).filter(|_| stop.completed + 1 == order.proof);
        let failure = match broken {
            Some(record::Broken::Transaction) => return Err(self.ended_transaction()),
            Some(record::Broken::Lock) => lock::lost(),
            Some(record::Broken::History) => self.history_refused(),
            None if stop.completed + 1 == order.commit => {
                failure(&format!("commit \"{path}\""), &stop.error)
            }
            None => failure(&format!("record {name} in the schema history"), &stop.error),
        };
        Err(match self.file.header.no_transaction {
            true => failure.detail(format!("The statements of {name} are done and stay.")),
            false => failure.detail(self.as_before()),
        })
    }

    /// The failure of a history that did not do what it was told.
    fn history_refused(&self) -> Failure {
        let (version, table) = (self.migration.version, super::history::TABLE);
        match self.way {
            Way::There { .. } => Failure::new(
                Exit::History,
                format!("the schema history did not take the row of V{version}"),
            )
            .detail(format!("A trigger or rule on {table} swallowed it."))
            .hint("Take the trigger or rule off that table."),
            Way::Back => Failure::new(
                Exit::History,
                format!("V{version} did not leave the schema history"),
            )
            .detail(format!(
                "It was not in {table} any more, or a trigger or rule there kept it."
            )),
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

    /// Ends the open transaction without a trace. Gives whether the server confirmed it.
    pub async fn roll_back(&self, connection: &mut PgConnection) -> bool {
        let rollback = send(connection, "ROLLBACK".to_owned(), false);
        self.watch.run("rolling back", true, rollback).await.is_ok()
    }
}

/// Which statements of the record do what, counted from 1.
struct Order {
    /// Proves that nothing came between, and writes.
    proof: usize,
    commit: usize,
}
