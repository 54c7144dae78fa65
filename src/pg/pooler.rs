//! A pooler between edu and the server that gives sessions to whoever asks next: a lock would exclude nobody
//! behind it, and settings would leak to others.

use std::time::Duration;

use sqlx::Row;
use sqlx::postgres::PgConnection;
use tokio::time::timeout;

use super::error::failure;
use super::lock::Lock;
use super::message::{self, Message};
use crate::failure::{Failure, Result};

/// How long an answer may take while the lock's session is held. A pooler with one session gives none.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// How often the session that took the lock is looked for, to give it back.
const RETURNS_MAX: usize = 100;

const PID: &str = "SELECT pg_catalog.pg_backend_pid() AS pid";

/// Proves that the lock and `connection` have each a session of their own, and keep it. A pooler that shares
/// sessions gives the one that was given back last, or longest ago. So the lock keeps its session in a
/// transaction while the other one asks for its own; which asks twice more when both are free.
///
/// # Errors
/// Exit 8 behind such a pooler, exit 6 when the lock is lost. Nothing was changed.
pub(super) async fn refuse_shared_sessions(
    connection: &mut PgConnection,
    lock: &Lock,
) -> Result<()> {
    if each_keeps_its_own(connection, lock).await? {
        return Ok(());
    }
    give_back(connection, lock).await?;
    Err(refusal(lock))
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

async fn each_keeps_its_own(connection: &mut PgConnection, lock: &Lock) -> Result<bool> {
    let ask = |words: &[&str]| {
        let mut message = Message::default();
        for word in words {
            message.add(word);
        }
        lock.ask(message)
    };
    let rows = ask(&["BEGIN", PID]).await?;
    let held = rows.first().map(|row| row.get::<i32, _>("pid"));
    let beside = timeout(ANSWER_MAX, session(connection)).await;
    ask(&["ROLLBACK"]).await?;
    let Ok(own) = beside else {
        return Ok(false);
    };
    let own = own?;
    let mut kept = held == Some(lock.pid()) && own != lock.pid();
    for _ in 0..2 {
        kept = kept && session(connection).await? == own;
    }
    Ok(kept)
}

fn refusal(lock: &Lock) -> Failure {
    Failure::refused(format!(
        "{} is reached through a pooler that shares sessions",
        lock.server().place()
    ))
    .detail(
        "Two connections of edu's got one session on the server, or one got two, so a lock would exclude \
         nobody and settings would leak to others (transaction pooling).",
    )
    .hint("Give the server's own URL, past the pooler, or use the pooler's session mode.")
}

/// The session that answers on a connection.
async fn session(connection: &mut PgConnection) -> Result<i32> {
    let rows = message::ask(connection, PID.to_owned())
        .await
        .map_err(|stop| failure("ask for the session's number", &stop.error))?;
    rows.first()
        .map(|row| row.get("pid"))
        .ok_or_else(|| Failure::bug("the server did not say which session this is"))
}
