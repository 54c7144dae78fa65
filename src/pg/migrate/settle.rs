//! The connection was lost after COMMIT was sent: nobody said whether it was done.
//!
//! The history knows. It is read on a new connection, once the old session has ended, and never
//! guessed.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sqlx::Row;
use sqlx::postgres::PgConnection;

use super::step::{Step, Way};
use super::watch::Broken;
use super::{look, lost};
use crate::failure::{Exit, Failure, Result};
use crate::pg::session;
use crate::pg::{lock, message};
use crate::progress::Progress;

/// How long the server may take to come back and to end the old session.
const RETURN_MAX: Duration = Duration::from_secs(30);

/// How often is asked.
const PAUSE: Duration = Duration::from_millis(100);

/// Finds out whether the migration was committed. If so and the lock is still ours, `connection`
/// becomes a new one and the run goes on.
pub(super) async fn settle(
    step: &Step<'_>,
    connection: &mut PgConnection,
    broken: Broken,
) -> Result<()> {
    let name = step.name();
    (step.report())(Progress::Note(format!(
        "the connection was lost while {name} was committed; asking the history"
    )));
    let without_lock = matches!(broken, Broken::LockLost(_));
    let lost = |state: String| {
        let reason = match &broken {
            Broken::Stop(stop) => {
                crate::pg::error::failure("hear of the commit", &stop.error).detail
            }
            Broken::LockLost(_) => return lock::lost().detail(state),
            Broken::Silent => Vec::new(),
        };
        let mut failure = Failure::new(
            Exit::Unreachable,
            format!("the connection was lost while {name} was committed"),
        );
        failure.detail = reason;
        failure
            .detail(state)
            .hint("Run the command again; it goes on where this run stopped.")
    };
    let asked = ask(step, without_lock).await;
    lost::settled(step);
    let (fresh, pid, applied) = match asked {
        Ok(answer) => answer,
        Err(_) => {
            return Err(lost(format!(
                "Whether {name} was committed is not known: the server could not be asked."
            )));
        }
    };
    let (version, back) = (step.migration.version, matches!(step.way, Way::Back));
    if applied == back {
        return Err(lost(match back {
            true => format!("V{version} is applied as before: the history has it."),
            false => format!("V{version} was rolled back: the history has no row of it."),
        }));
    }
    if without_lock || !lock_lives(step).await {
        return Err(lost(match back {
            true => format!("{name} is done: the history has no row of V{version}."),
            false => format!("V{version} is applied: the history has it."),
        }));
    }
    *connection = fresh;
    step.watch.session.store(pid, Ordering::Relaxed);
    step.watch.knows.forget();
    Ok(())
}

async fn lock_lives(step: &Step<'_>) -> bool {
    let mut message = message::Message::default();
    message.add(&format!("SELECT {} AS held", step.watch.lock.held_sql()));
    match step.watch.lock.ask(message).await {
        Ok(rows) => rows.first().is_some_and(|row| row.get("held")),
        Err(_) => false,
    }
}

/// Reads the history on a new connection after the old session has ended. `end` says that it is still there for
/// us, and is to be ended once it has nothing to do.
async fn ask(step: &Step<'_>, end: bool) -> Result<(PgConnection, i32, bool)> {
    let deadline = Instant::now() + RETURN_MAX;
    loop {
        match try_ask(step, end).await {
            Ok(Some(answer)) => return Ok(answer),
            Err(failure) if Instant::now() >= deadline => return Err(failure),
            Ok(None) if Instant::now() >= deadline => {
                return Err(Failure::new(
                    Exit::Unreachable,
                    "the old session does not end",
                ));
            }
            Ok(None) | Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

async fn try_ask(step: &Step<'_>, end: bool) -> Result<Option<(PgConnection, i32, bool)>> {
    let server = step.watch.lock.server();
    let (mut connection, _) = session::open(server, &step.context.command).await?;
    let sql = format!(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE pid = {}) AS lives",
        step.watch.pid()
    );
    let rows = message::ask(&mut connection, sql)
        .await
        .map_err(|stop| crate::pg::error::failure("look for the old session", &stop.error))?;
    if rows.first().is_none_or(|row| row.get("lives")) {
        if end {
            let sql = lost::end_sql(step.watch.pid(), " AND state <> 'active'");
            let _ = message::ask(&mut connection, sql).await;
        }
        return Ok(None);
    }
    let look = look::look(&mut connection, false).await?;
    let applied = look
        .history
        .iter()
        .any(|row| row.version == step.migration.version);
    Ok(Some((connection, look.pid, applied)))
}
