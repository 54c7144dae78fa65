//! A migration in one transaction: its statements, its history row and its audit row, or nothing.
//!
//! The statements go in one message. When a lock does not come in time the whole is rolled back and
//! tried again, until the budget for locks is used up.

use std::time::{Duration, Instant};

use sqlx::postgres::PgConnection;

use super::context::Patience;
use super::peek;
use super::step::{Effort, Step};
use super::watch::Broken;
use crate::failure::{Exit, Failure, Result};
use crate::pg::error::{Sent, exit_of, sqlstate};
use crate::pg::message::{Stop, send};
use crate::progress::{Progress, human_time};
use crate::sql::target::file_targets;

/// Why an attempt came to nothing.
struct Refused {
    failure: Failure,
    /// Trying again may help.
    again: bool,
}

/// Runs the migration until it is applied or cannot be.
pub(super) async fn run(
    step: &Step<'_>,
    connection: &mut PgConnection,
    effort: &mut Effort,
) -> Result<()> {
    let begun = Instant::now();
    let file = &step.migration.up;
    let wanted = file_targets(&file.script.statements);
    let mut patience = Patience::new(file.header.lock_timeout.map(Duration::from));
    let deadline = begun + step.context.budget.ddl;
    loop {
        let waiting = Instant::now();
        peek::until_free(step.watch, &step.name(), &wanted, &mut patience, deadline)
            .await
            .map_err(|failure| rolled_back(step, failure))?;
        effort.lock_wait += waiting.elapsed();
        effort.attempts += 1;
        step.watch.seen().clear();
        let attempt = Instant::now();
        let Err(refused) = statements(step, connection, patience.limit()).await else {
            return step.conclude(connection, begun, *effort).await;
        };
        effort.lock_wait += attempt.elapsed().min(patience.limit());
        if !refused.again {
            return Err(refused.failure);
        }
        let seen = step.watch.seen().clone();
        if Instant::now() >= deadline {
            let failure = peek::at_last(&step.name(), &seen, refused.failure);
            return Err(rolled_back(step, failure));
        }
        let waited = human_time(attempt.elapsed());
        let whom = seen
            .first()
            .map_or(String::new(), |blocker| format!(", blocked by {blocker}"));
        (step.report())(Progress::Note(format!(
            "{} gave way after {waited}{whom}; attempt {} follows",
            step.name(),
            effort.attempts + 1
        )));
        patience.grow();
        pause(step).await?;
    }
}

fn rolled_back(step: &Step<'_>, failure: Failure) -> Failure {
    failure.detail(format!("{} was rolled back.", step.name()))
}

/// Lets those go first who queued behind the last attempt.
async fn pause(step: &Step<'_>) -> Result<()> {
    let jitter = u64::from(uuid::Uuid::new_v4().as_bytes()[0]);
    tokio::select! {
        () = tokio::time::sleep(Duration::from_millis(50 + jitter)) => Ok(()),
        () = step.context.cancel.wished() => Err(rolled_back(step, step.context.cancel.failure())),
    }
}

/// Begins the transaction and runs the statements. After a failure nothing of it is left.
async fn statements(
    step: &Step<'_>,
    connection: &mut PgConnection,
    limit: Duration,
) -> std::result::Result<(), Refused> {
    let file = &step.migration.up;
    let all = &file.script.statements;
    let mut message = step.start(limit);
    message.add("BEGIN DEFERRABLE");
    let span = match (all.first(), all.last()) {
        (Some(first), Some(last)) => first.body.start..last.body.end,
        _ => 0..0,
    };
    let sent = Sent {
        document: &file.document,
        statements: all,
        span: span.clone(),
        before: message.statements(),
        before_characters: message.characters(),
    };
    let text = match file.script.dropped.is_empty() {
        true => format!("{}{}", message.text(), &file.document.text[span]),
        false => {
            let sendable = file.script.sendable(&file.document.text);
            format!("{}{}", message.text(), &sendable[span])
        }
    };
    let outcome = step
        .watch
        .run(&step.name(), false, send(connection, text, false))
        .await;
    match outcome {
        Ok(_) => Ok(()),
        Err(Broken::Stop(stop)) => Err(stopped(step, connection, &sent, &stop).await),
        Err(Broken::LockLost(failure)) => Err(finally(failure.detail(ends(step)))),
        Err(Broken::Silent) => Err(finally(silent(step).detail(ends(step)))),
    }
}

fn ends(step: &Step<'_>) -> String {
    format!("The server rolls {} back.", step.name())
}

fn finally(failure: Failure) -> Refused {
    Refused {
        failure,
        again: false,
    }
}

/// The failure of a session that is gone or does not answer.
pub(super) fn silent(step: &Step<'_>) -> Failure {
    Failure::new(
        Exit::Unreachable,
        format!(
            "session {}, which ran {}, was lost",
            step.watch.pid(),
            step.name()
        ),
    )
    .hint("Run the command again; it goes on where this run stopped.")
}

async fn stopped(
    step: &Step<'_>,
    connection: &mut PgConnection,
    sent: &Sent<'_>,
    stop: &Stop,
) -> Refused {
    let code = sqlstate(&stop.error);
    let failure = match sent.failure(stop.completed, &stop.error) {
        Some(failure) => failure,
        None => step.start_failure(&stop.error),
    };
    if code.is_empty() || exit_of(code) == Exit::Unreachable {
        return finally(failure.exit(Exit::Unreachable).detail(ends(step)));
    }
    let state = match step.roll_back(connection).await {
        true => format!("{} was rolled back.", step.name()),
        false => ends(step),
    };
    if step.context.cancel.requested().is_some() {
        return finally(step.context.cancel.failure().detail(state));
    }
    let again = matches!(code, "55P03" | "40P01" | "40001");
    let failure = match again {
        true => failure,
        false => failure.detail(state),
    };
    Refused { failure, again }
}
