//! A migration in one transaction: its statements, its history row and its audit row, or nothing.
//!
//! The statements go in one message. When a lock does not come in time the whole is rolled back and
//! tried again, until the budget for locks is used up.

use std::time::{Duration, Instant};

use sqlx::postgres::PgConnection;

use super::context::Patience;
use super::peek;
use super::record::may_forget;
use super::step::{Effort, Step};
use super::watch::Broken;
use crate::failure::{Exit, Failure, Result};
use crate::pg::error::{Sent, exit_of, sqlstate};
use crate::pg::message::{Stop, send};
use crate::progress::{Progress, human_time};
use crate::sql::target::StrongLock;

/// Why an attempt came to nothing.
enum Refused {
    /// Somebody holds on to a relation: nothing was tried.
    HeldBack,
    /// Trying again may help.
    ForNow(Failure),
    /// It does not.
    Finally(Failure),
}

/// Runs the migration until it is applied or cannot be.
pub(super) async fn run(
    step: &Step<'_>,
    connection: &mut PgConnection,
    effort: &mut Effort,
) -> Result<()> {
    let begun = Instant::now();
    let file = step.file;
    let wanted = step.locks;
    let mut patience = Patience::new(file.header.lock_timeout.map(Duration::from));
    let deadline = begun + step.context.budget.ddl;
    // The first look is part of the first attempt's message; only when somebody is in the way it is
    // worth a round trip of its own.
    let mut glance = !wanted.is_empty() && !may_forget(&file.document.text);
    loop {
        if !glance {
            let waiting = Instant::now();
            peek::until_free(step.watch, &step.name(), wanted, &mut patience, deadline)
                .await
                .map_err(|failure| rolled_back(step, failure))?;
            effort.lock_wait += waiting.elapsed();
        }
        step.watch.seen().clear();
        let attempt = Instant::now();
        let glanced = if glance { wanted } else { &[] };
        let outcome = statements(step, connection, patience.limit(), glanced).await;
        glance = false;
        let refused = match outcome {
            Err(Refused::HeldBack) => continue,
            Ok(()) => {
                effort.attempts += 1;
                return step.conclude(connection, begun, *effort).await;
            }
            Err(Refused::Finally(failure)) => return Err(failure),
            Err(Refused::ForNow(failure)) => failure,
        };
        effort.attempts += 1;
        effort.lock_wait += attempt.elapsed().min(patience.limit());
        let seen = step.watch.seen().clone();
        if Instant::now() >= deadline {
            if seen.is_empty() {
                // The attempt was over before anybody looked whom it waits for.
                peek::until_free(step.watch, &step.name(), wanted, &mut patience, deadline)
                    .await
                    .map_err(|failure| rolled_back(step, failure))?;
            }
            let failure = peek::at_last(&step.name(), &seen, refused);
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
    failure.detail(step.as_before())
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
    glanced: &[StrongLock],
) -> std::result::Result<(), Refused> {
    let file = step.file;
    let all = &file.script.statements;
    let mut message = step.start(limit);
    if !glanced.is_empty() {
        peek::glance(&mut message, step.watch, glanced, limit).map_err(Refused::Finally)?;
    }
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
        // What becomes of the session is found out when the failure is recorded.
        Err(Broken::LockLost(failure)) => Err(Refused::Finally(failure)),
        Err(Broken::Silent) => Err(Refused::Finally(silent(step).detail(step.server_undoes()))),
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
    if stop.completed < sent.before && peek::held_back(&stop.error) {
        return match step.roll_back(connection).await {
            Ok(()) => Refused::HeldBack,
            Err(why) => Refused::Finally(silent(step).detail(why).detail(step.server_undoes())),
        };
    }
    let failure = match sent.failure(stop.completed, &stop.error) {
        Some(failure) => failure,
        None => step.start_failure(&stop.error),
    };
    if code.is_empty() || exit_of(code) == Exit::Unreachable {
        return Refused::Finally(failure.exit(Exit::Unreachable).detail(step.server_undoes()));
    }
    let state = match step.roll_back(connection).await {
        Ok(()) => step.as_before(),
        // Nothing more can be tried in this session.
        Err(why) => return Refused::Finally(failure.detail(why).detail(step.server_undoes())),
    };
    if step.context.cancel.requested().is_some() {
        return Refused::Finally(step.context.cancel.failure().detail(state));
    }
    let again = matches!(code, "55P03" | "40P01" | "40001");
    match again {
        true => Refused::ForNow(failure),
        false => Refused::Finally(failure.detail(state)),
    }
}
