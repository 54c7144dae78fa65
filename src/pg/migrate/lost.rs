//! The end of a run that failed: its row in the audit trail, also when the connection that held the lock has
//! died, and what is left of the work then.
//!
//! Without the lock another run may have begun, so the working session is ended, and only what belongs to
//! this run is written.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sqlx::Row;
use sqlx::postgres::PgConnection;

use super::audit::{Alone, Ended, Failed};
use super::step::Step;
use crate::failure::{Exit, Failure, Result};
use crate::pg::error::failure;
use crate::pg::lock;
use crate::pg::message;
use crate::pg::pooler;
use crate::pg::session;

/// How long the server may take to come back.
const RETURN_MAX: Duration = Duration::from_secs(10);

/// How often is asked.
const PAUSE: Duration = Duration::from_millis(100);

/// Writes the failure of a migration into the audit trail, and says what became of it when the lock was lost.
/// What cannot be written is not: the failure itself is what the user has to hear, and the next run closes this one.
pub(super) async fn conclude(step: &Step<'_>, failure: Failure, mut ended: Ended<'_>) -> Failure {
    let held = !lock::is_lost(&failure);
    let mut fresh = match held {
        true => None,
        false => reconnect(step).await.ok(),
    };
    let failure = match held {
        true => failure,
        false => without_lock(step, failure, fresh.as_mut()).await,
    };
    ended.failure = Some(Failed::of(&failure));
    let Some(run) = step.run else { return failure };
    if held && let Ok(message) = run.failure(&ended, Alone::Yes) {
        if step.watch.lock.ask(message).await.is_ok() {
            return failure;
        }
        // Both connections are gone; the server may be back soon.
        fresh = reconnect(step).await.ok();
    }
    if let (Some(mut fresh), Ok(message)) = (fresh, run.failure(&ended, Alone::Perhaps)) {
        let _ = message.send(&mut fresh).await;
    }
    failure
}

/// A new connection, as soon as the server gives one.
async fn reconnect(step: &Step<'_>) -> Result<PgConnection> {
    let server = step.watch.lock.server();
    let trying = async {
        loop {
            match session::open(server, &step.context.command).await {
                Ok((connection, _)) => return connection,
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    };
    tokio::time::timeout(RETURN_MAX, trying)
        .await
        .map_err(|_| Failure::new(Exit::Unreachable, "the server did not come back"))
}

/// Ends the working session, with its transaction, and goes on in a new one.
///
/// # Errors
/// When the server gives none, or the old one does not end.
pub(super) async fn renew(step: &Step<'_>, connection: &mut PgConnection) -> Result<()> {
    let mut fresh = reconnect(step).await?;
    end(&mut fresh, step.watch.pid()).await?;
    let pid = pooler::session(&mut fresh, "").await?;
    step.watch.session.store(pid, Ordering::Relaxed);
    step.watch.knows.forget();
    *connection = fresh;
    Ok(())
}

/// Says what the loss of the lock left, after the working session has been ended.
async fn without_lock(
    step: &Step<'_>,
    failure: Failure,
    fresh: Option<&mut PgConnection>,
) -> Failure {
    let found = match fresh {
        Some(fresh) => end(fresh, step.watch.pid()).await.ok(),
        None => None,
    };
    let mut failure = failure.hint(format!(
        "Run: {} (it goes on where this run stopped)",
        step.again()
    ));
    // Whoever has lost both has lost the server, not the lock.
    if matches!(found, None | Some(Found::Nobody)) {
        failure.error = format!(
            "the connections to the server were lost while {} ran",
            step.name()
        );
        if failure.exit == Exit::Lock {
            failure.exit = Exit::Unreachable;
        }
    }
    if step.file.header.no_transaction {
        return failure;
    }
    let state = match found {
        None => step.server_undoes(),
        Some(Found::Settled) => return failure,
        Some(Found::Nobody | Found::Ended) => step.as_before(),
    };
    match failure.detail.contains(&state) {
        true => failure,
        false => failure.detail(state),
    }
}

/// What was left of the working session.
enum Found {
    /// It had been ended before, and the history was asked.
    Settled,
    /// It was gone.
    Nobody,
    /// It was there, and is ended.
    Ended,
}

/// Ends the session `pid`, with what it is doing.
async fn end(fresh: &mut PgConnection, pid: i32) -> Result<Found> {
    if pid == 0 {
        return Ok(Found::Settled);
    }
    match message::ask(fresh, end_sql(pid, "")).await {
        Ok(rows) if rows.is_empty() => Ok(Found::Nobody),
        Ok(_) => gone(fresh, pid).await.map(|()| Found::Ended),
        Err(stop) => Err(failure("end the working session", &stop.error)),
    }
}

/// What ends the session `pid` of this database. `more` narrows when.
pub(super) fn end_sql(pid: i32, more: &str) -> String {
    format!(
        "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
         WHERE pid = {pid} AND datname = pg_catalog.current_database() AND usename = session_user{more}"
    )
}

/// Waits until the session `pid` has ended.
async fn gone(fresh: &mut PgConnection, pid: i32) -> Result<()> {
    let deadline = Instant::now() + RETURN_MAX;
    let sql = format!("SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE pid = {pid}");
    loop {
        let rows = message::ask(fresh, sql.clone())
            .await
            .map_err(|stop| failure("look for the working session", &stop.error))?;
        if rows.first().is_none_or(|row| row.get::<i64, _>(0) == 0) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(Failure::new(Exit::Unreachable, "the session does not end"));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Notes that the working session has ended and the history was asked.
pub(super) fn settled(step: &Step<'_>) {
    step.watch.session.store(0, Ordering::Relaxed);
}
