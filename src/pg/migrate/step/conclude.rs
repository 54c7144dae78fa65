//! The end of a migration: the message that records it, and what is said when it is refused.

use std::sync::atomic::Ordering;
use std::time::Instant;

use sqlx::postgres::{PgConnection, PgRow};

use super::{Effort, Step, Way};
use crate::catalog::name::quote_ident;
use crate::failure::{Exit, Failure, Result};
use crate::pg::error::failure;
use crate::pg::lock;
use crate::pg::message::{Message, Stop, send};
use crate::pg::migrate::audit::{Ended, Run};
use crate::pg::migrate::watch::Broken;
use crate::pg::migrate::{history, hygiene, journal, record, settle};

impl Step<'_> {
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
        let mut reread = 0;
        if self.watch.rereads.load(Ordering::Relaxed) {
            let insert = match self.way {
                Way::There { insert, .. } => Some(insert),
                Way::Back => None,
            };
            record::reread(&mut message, self.migration.version, insert)?;
            reread = message.statements();
        }
        message.add("COMMIT");
        let order = Order {
            proof,
            reread,
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

    pub(super) fn ended(&self, begun: Instant, effort: Effort) -> Ended<'_> {
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
        let rolled_back = self.roll_back(connection).await;
        let name = self.name();
        let path = &self.file.document.path;
        let said = crate::pg::error::server_error(&stop.error).map_or("", |e| e.message());
        let failed = stop.completed + 1;
        let proved = failed == order.proof || failed == order.reread;
        let broken = record::broken(said).filter(|_| proved);
        // What was deferred until the commit runs just before the history is read again.
        let committing = failed == order.commit || failed + 1 == order.reread;
        let failure = match broken {
            Some(record::Broken::Transaction) => return Err(self.ended_transaction()),
            Some(record::Broken::Lock) => lock::lost(),
            Some(record::Broken::History) => self.history_refused(),
            Some(record::Broken::Changed(names)) => match self.way {
                Way::There { .. } => history::changed_behind(&format!("the row of {name}"), &names),
                Way::Back => history::changed_behind(
                    &format!("that V{} is taken back", self.migration.version),
                    &names,
                ),
            },
            None if committing => failure(&format!("commit \"{path}\""), &stop.error),
            None => failure(&format!("record {name} in the schema history"), &stop.error),
        };
        Err(match (rolled_back, self.file.header.no_transaction) {
            (_, true) => failure.detail(format!("The statements of {name} are done and stay.")),
            (Ok(()), false) => failure.detail(self.as_before()),
            (Err(why), false) => failure.detail(why).detail(self.server_undoes()),
        })
    }

    /// The failure of a history that did not do what it was told.
    fn history_refused(&self) -> Failure {
        let (version, table) = (self.migration.version, history::TABLE);
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
}

/// Which statements of the record do what, counted from 1.
struct Order {
    /// Proves that nothing came between, and writes.
    proof: usize,
    /// Reads the history again; 0: nothing does.
    reread: usize,
    commit: usize,
}
