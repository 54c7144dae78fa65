//! A pooler between edu and the server that gives sessions to whoever asks next: a lock would exclude nobody
//! behind it, and settings would leak to others.

use std::time::Duration;

use sqlx::Row;
use sqlx::postgres::PgConnection;
use tokio::time::timeout;

use super::Server;
use super::error::failure;
use super::lock::Lock;
use super::message::{self, Message};
use crate::failure::{Failure, Result};

/// How long an answer may take while the lock's session is held. A pooler with one session gives none.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// How often the session that took the lock is looked for, to give it back.
const RETURNS_MAX: usize = 100;

/// Refuses a pooler that does not leave the lock and `connection` each a session of their own.
///
/// # Errors
/// Exit 8 behind such a pooler, exit 7 when a connection is lost. Nothing was changed.
pub(super) async fn refuse_shared_sessions(
    connection: &mut PgConnection,
    lock: &Lock,
) -> Result<()> {
    let kept = {
        let mut holder = lock.connection().await;
        each_keeps_its_own(&mut holder, lock.pid(), connection).await?
    };
    if kept {
        return Ok(());
    }
    give_back(connection, lock).await?;
    Err(refusal(
        lock.server(),
        "a lock would exclude nobody and settings would leak to others",
    ))
}

/// Whether two connections have each a session of their own, and keep it; `own` is the one that `holder` had
/// before. A pooler that shares sessions gives the one that was given back last, or longest ago. So `holder`
/// keeps its session in a transaction while the other one asks for its own; which asks twice more when both
/// are free.
///
/// # Errors
/// The connections'.
pub(super) async fn each_keeps_its_own(
    holder: &mut PgConnection,
    own: i32,
    other: &mut PgConnection,
) -> Result<bool> {
    let held = session(holder, "BEGIN; ").await?;
    let beside = timeout(ANSWER_MAX, session(other, "")).await;
    message::ask(holder, "ROLLBACK".to_owned())
        .await
        .map_err(unanswered)?;
    let Ok(beside) = beside else {
        return Ok(false);
    };
    let beside = beside?;
    let mut kept = held == own && beside != own;
    for _ in 0..2 {
        kept = kept && session(other, "").await? == beside;
    }
    Ok(kept)
}

/// What is said of a pooler that shares sessions; `harm` completes "so …".
pub(super) fn refusal(server: &Server, harm: &str) -> Failure {
    Failure::refused(format!(
        "{} is reached through a pooler that shares sessions",
        server.place()
    ))
    .detail(format!(
        "Two connections of edu's got one session on the server, or one got two, so {harm} (transaction pooling)."
    ))
    .hint("Give the server's own URL, past the pooler, or use the pooler's session mode.")
}

/// The session that answers on a connection, after what stands before the question. Without a prepared
/// statement: behind a pooler another connection may have left one of the same name.
pub(super) async fn session(connection: &mut PgConnection, before: &str) -> Result<i32> {
    let rows = message::ask(
        connection,
        format!("{before}SELECT pg_catalog.pg_backend_pid() AS pid"),
    )
    .await
    .map_err(unanswered)?;
    rows.first()
        .map(|row| row.get("pid"))
        .ok_or_else(|| Failure::bug("the server did not say which session this is"))
}

fn unanswered(stop: message::Stop) -> Failure {
    failure("ask for the session's number", &stop.error)
}

/// Gives the lock back, which would stay with a session that the pooler keeps: by asking until that session
/// answers, with another one in use every other time.
async fn give_back(connection: &mut PgConnection, lock: &Lock) -> Result<()> {
    let doing = |stop: message::Stop| failure("give the lock back", &stop.error);
    for turn in 0..RETURNS_MAX {
        let aside = turn % 2 == 1;
        if aside {
            let begun = message::ask(connection, "BEGIN".to_owned()).await;
            begun.map_err(doing)?;
        }
        let mut message = Message::default();
        message.add(&lock.give_back());
        let rows = lock.ask(message).await?;
        if aside {
            let ended = message::ask(connection, "ROLLBACK".to_owned()).await;
            ended.map_err(doing)?;
        }
        if rows.first().is_some_and(|row| row.get("ours")) {
            break;
        }
    }
    Ok(())
}
