//! A migration without a transaction: statement by statement, each in the journal.
//!
//! The bootstrap's files are the exception: they run before the owner of the journal exists, and are
//! written so that running them again changes nothing.

use std::time::{Duration, Instant};

use sqlx::postgres::PgConnection;

use super::context::Patience;
use super::effect::Effect;
use super::journal::{self, Place};
use super::step::{self, Effort, Step, Way};
use super::watch::Broken;
use super::{peek, transact};
use crate::catalog::name::quote_ident;
use crate::failure::{Exit, Failure, Result};
use crate::pg::error::{failure, server_error, sqlstate, statement_failure};
use crate::pg::lock;
use crate::pg::message::{Message, send};
use crate::progress::{Progress, human_time};
use crate::sql::split::Statement;
use crate::sql::target::strong_locks;

/// Runs what is left of the migration, and records it.
pub(super) async fn run(
    step: &Step<'_>,
    connection: &mut PgConnection,
    effort: &mut Effort,
) -> Result<()> {
    let begun = Instant::now();
    let statements = &step.file.script.statements;
    let total = statements.len();
    journal::check(step.entries, step.file)?;
    effort.attempts = 1;
    if step.run.is_some() {
        journal::make(step.watch.lock, step.owner).await?;
    }
    let header = &step.file.header;
    let limit = Patience::new(header.lock_timeout.map(Duration::from)).limit();
    let start = step.start(limit).send(connection).await;
    start.map_err(|stop| step.start_failure(&stop.error))?;
    for (at, statement) in statements.iter().enumerate() {
        let place = Place {
            version: step.migration.version,
            k: at + 1,
            n: total,
            statement,
        };
        if is_done(step, connection, &place).await? {
            continue;
        }
        (step.report())(Progress::Detail(format!(
            "{}, statement {} of {total}",
            step.name(),
            place.k
        )));
        one(step, connection, &place, effort)
            .await
            .map_err(|failure| state(step, &place, failure))?;
    }
    step.conclude(connection, begun, *effort).await
}

/// Whether the journal or the catalogs say that the statement is done.
async fn is_done(
    step: &Step<'_>,
    connection: &mut PgConnection,
    place: &Place<'_>,
) -> Result<bool> {
    let Some(entry) = step.entries.iter().find(|entry| entry.k == place.k as i32) else {
        return Ok(false);
    };
    if entry.done {
        return Ok(true);
    }
    let done = Effect::of(place.statement)
        .is_done(connection, entry)
        .await?;
    (step.report())(Progress::Note(format!(
        "statement {} of {} was broken off before: {}",
        place.k,
        step.name(),
        match done {
            true => "its effect is there",
            false => "it is run again",
        }
    )));
    if done {
        journal::note(step.watch.lock, step.owner, &[&place.write(true)?]).await?;
    }
    Ok(done)
}

/// What is done of the migration when statement `place` failed.
fn state(step: &Step<'_>, place: &Place<'_>, failure: Failure) -> Failure {
    let name = step.name();
    let failure = match step.way {
        Way::There { .. } => failure,
        Way::Back => failure.detail(format!(
            "V{} still counts as applied.",
            step.migration.version
        )),
    };
    let stopped = matches!(failure.exit, Exit::Cancelled | Exit::Terminated);
    if place.k == 1 {
        return failure.detail(format!("Nothing of {name} is known to be done."));
    }
    let done = place.k - 1;
    let failure = match stopped {
        true => failure,
        false => failure.exit(Exit::Partial),
    };
    let failure = failure.detail(format!(
        "Statements 1 to {done} of {} of {name} are done and stay; the next run goes on behind them.",
        place.n
    ));
    match failure.hint {
        Some(_) => failure,
        None => failure.hint(format!("Mend the cause, then run: {}", step.again())),
    }
}

/// Runs one statement until it is done or cannot be.
async fn one(
    step: &Step<'_>,
    connection: &mut PgConnection,
    place: &Place<'_>,
    effort: &mut Effort,
) -> Result<()> {
    let effect = Effect::of(place.statement);
    let journalled = step.run.is_some();
    let atomic = effect == Effect::Atomic;
    let deadline = Instant::now() + step.context.budget.ddl;
    let mut patience = Patience::new(step.file.header.lock_timeout.map(Duration::from));
    if journalled && !atomic {
        journal::note(step.watch.lock, step.owner, &[&place.write(false)?]).await?;
    }
    loop {
        let what = format!("{} statement {}", step.name(), place.k);
        let wanted = strong_locks(place.statement);
        peek::until_free(step.watch, &what, &wanted, &mut patience, deadline).await?;
        if let Effect::Index(name) = &effect {
            match crate::pg::concurrent::clear_way(connection, name).await {
                Ok(true) => return finish(step, place, journalled).await,
                Ok(false) => {}
                Err(failure) if failure.exit == Exit::Lock && Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
                Err(failure) if failure.exit == Exit::Lock => {
                    let seen = step.watch.seen().clone();
                    return Err(peek::exhausted(&what, &seen).detail(format!(
                        "The invalid rest of index {name} stays until the next run, which removes it."
                    )));
                }
                Err(failure) => return Err(failure),
            }
        }
        // Whoever waits concurrently is in nobody's way, so one attempt may use the whole budget.
        let limit = match atomic || step.file.header.lock_timeout.is_some() {
            true => patience.limit(),
            false => deadline.saturating_duration_since(Instant::now()),
        };
        let attempt = Instant::now();
        let outcome = attempt_one(step, connection, place, atomic && journalled, limit).await;
        let (outcome, code) = match outcome {
            Ok(()) => (Ok(()), String::new()),
            Err((failure, code)) => (Err(failure), code),
        };
        let answered = outcome.is_ok() || !code.is_empty();
        let outcome = match answered {
            true => effect.conclude(connection, outcome).await,
            false => outcome,
        };
        let Err(failure) = outcome else {
            return finish(step, place, journalled && !atomic).await;
        };
        effort.attempts += 1;
        let again = matches!(code.as_str(), "55P03" | "40P01") && effect.fails_cleanly();
        if again && Instant::now() < deadline && step.context.cancel.requested().is_none() {
            effort.lock_wait += attempt.elapsed();
            (step.report())(Progress::Note(format!(
                "{what} gave way after {}; it is tried again",
                human_time(attempt.elapsed())
            )));
            patience.grow();
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        }
        if answered && journalled && !atomic && effect.fails_cleanly() {
            journal::note(step.watch.lock, step.owner, &[&place.erase()]).await?;
        }
        let seen = step.watch.seen().clone();
        return Err(match again && !seen.is_empty() {
            true => peek::at_last(&what, &seen, failure),
            false => failure,
        });
    }
}

/// Marks a statement that was announced as done.
async fn finish(step: &Step<'_>, place: &Place<'_>, announced: bool) -> Result<()> {
    match announced {
        true => journal::note(step.watch.lock, step.owner, &[&place.write(true)?]).await,
        false => Ok(()),
    }
}

/// One attempt at one statement. A failure brings its SQLSTATE; it is empty when the server did not
/// answer.
async fn attempt_one(
    step: &Step<'_>,
    connection: &mut PgConnection,
    place: &Place<'_>,
    marked: bool,
    limit: Duration,
) -> std::result::Result<(), (Failure, String)> {
    let what = format!("{} statement {}", step.name(), place.k);
    let document = &step.file.document;
    let doing = |error: &sqlx::Error| {
        let code = sqlstate(error).to_owned();
        (failure("run the statement", error), code)
    };
    let mut begin = Message::default();
    if !sets_lock_timeout(&step.file.script.statements) {
        begin.add(&format!(
            "SET lock_timeout = '{}ms'",
            limit.as_millis().max(1)
        ));
    }
    if marked {
        begin.add("BEGIN DEFERRABLE");
    }
    let begun = begin.send(connection).await;
    begun.map_err(|stop| doing(&stop.error))?;
    let sending = send(connection, place.statement.text.clone(), false);
    let outcome = match step.watch.run(&what, false, sending).await {
        Ok(_) if marked => return mark(step, connection, place).await,
        Ok(_) => return Ok(()),
        Err(broken) => broken,
    };
    match outcome {
        Broken::LockLost(failure) => Err((failure, String::new())),
        Broken::Silent => Err((transact::silent(step), String::new())),
        Broken::Stop(stop) => {
            let code = sqlstate(&stop.error).to_owned();
            let text = &place.statement.text;
            let mut failed =
                statement_failure(document, place.statement.body.start, text, &stop.error);
            if marked
                && server_error(&stop.error).is_some()
                && let Err(why) = step.roll_back(connection).await
            {
                failed = failed.detail(why);
            }
            match step.context.cancel.requested() {
                Some(_) => Err((step.context.cancel.failure(), code)),
                None => Err((failed, code)),
            }
        }
    }
}

fn sets_lock_timeout(statements: &[Statement]) -> bool {
    statements.iter().any(|statement| {
        statement.keyword == "SET" && statement.text.to_ascii_lowercase().contains("lock_timeout")
    })
}

/// Marks the statement as done within its own transaction, and commits. If the answer to the commit
/// is lost, the journal knows: it is read when the migration is run again.
async fn mark(
    step: &Step<'_>,
    connection: &mut PgConnection,
    place: &Place<'_>,
) -> std::result::Result<(), (Failure, String)> {
    let mut message = Message::default();
    message.add(step::SAME_TRANSACTION);
    message.add(&step.fence());
    if let Some(owner) = step.owner {
        message.add(&format!("SET LOCAL ROLE {}", quote_ident(owner)));
    }
    message.add(
        &place
            .write(true)
            .map_err(|failure| (failure, String::new()))?,
    );
    message.add("COMMIT");
    let what = format!("{} statement {}", step.name(), place.k);
    match step.watch.run(&what, true, message.send(connection)).await {
        Ok(_) => Ok(()),
        Err(Broken::Stop(stop)) if server_error(&stop.error).is_some() => {
            let rolled_back = step.roll_back(connection).await;
            let code = sqlstate(&stop.error).to_owned();
            let failed = match stop.completed {
                0 => step.ended_transaction(),
                1 => lock::lost(),
                _ => statement_failure(
                    &step.file.document,
                    place.statement.body.start,
                    &place.statement.text,
                    &stop.error,
                ),
            };
            Err(match rolled_back {
                Ok(()) => (failed, code),
                Err(why) => (failed.detail(why), code),
            })
        }
        Err(Broken::LockLost(failure)) => Err((
            failure.detail("The journal says whether its last statement is done."),
            String::new(),
        )),
        Err(_) => Err((
            transact::silent(step).detail("The journal says whether its last statement is done."),
            String::new(),
        )),
    }
}
