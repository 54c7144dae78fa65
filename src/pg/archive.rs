//! WAL archiving and the end of a recovery, as a server's settings.

use std::time::Duration as Span;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};

use super::error::failure;
use super::{Server, session};
use crate::catalog::name::quote_literal;
use crate::failure::Result;
use crate::progress::{Progress, Report};
use crate::sql::duration::Duration;

/// How often a recovering server is looked at.
const POLL: Span = Span::from_millis(50);

/// What a recovery wrote and a running server needs no more.
const TARGETS: [&str; 3] = [
    "restore_command",
    "recovery_target_time",
    "recovery_target_action",
];

/// Sets the archive's folder, or that there is none. It holds after a restart. `folder` stands within
/// double quotes of a shell command: the caller has refused what would mean more.
///
/// # Errors
/// By SQLSTATE.
pub async fn set(server: &Server, folder: Option<&str>, every: Duration) -> Result<()> {
    let (mut connection, _) = session::open_for_writing(server, "edu server archive").await?;
    let settings = match folder {
        None => vec![("archive_mode", "off".to_owned())],
        Some(folder) => vec![
            ("wal_level", "replica".to_owned()),
            ("archive_mode", "on".to_owned()),
            ("archive_timeout", format!("{}s", every.as_ms() / 1000)),
            // Written whole, flushed, then named; the same file again is no failure.
            (
                "archive_command",
                format!(
                    "if test -f \"{folder}/%f\"; then cmp -s \"%p\" \"{folder}/%f\"; else \
                     cp \"%p\" \"{folder}/%f.part\" && sync \"{folder}/%f.part\" && mv \"{folder}/%f.part\" \"{folder}/%f\"; fi"
                ),
            ),
        ],
    };
    for (name, value) in settings {
        let sql = format!("ALTER SYSTEM SET {name} = {}", quote_literal(&value)?);
        session::run(&mut connection, &sql, "set the archive").await?;
    }
    Ok(())
}

/// Waits until a recovering server is its own master, and takes back what led it there. Shape: the
/// moment of the last transaction that was replayed, if there was one.
///
/// # Errors
/// When the connection is lost: the server gave up.
pub async fn promoted(server: &Server, report: Report<'_>) -> Result<Option<String>> {
    let mut connection = server.connect("edu server recover").await?;
    report(Progress::stage("replaying"));
    while recovering(&mut connection, report).await? {
        tokio::time::sleep(POLL).await;
    }
    report(Progress::Done);
    // While it was a standby, the session was read-only.
    let _ = connection.close().await;
    let (mut connection, _) = session::open_for_writing(server, "edu server recover").await?;
    let last = sqlx::query_scalar("SELECT pg_catalog.pg_last_xact_replay_timestamp()::text")
        .fetch_one(&mut connection)
        .await
        .map_err(|error| failure("read how far was replayed", &error))?;
    for name in TARGETS {
        let sql = format!("ALTER SYSTEM RESET {name}");
        session::run(&mut connection, &sql, "take the recovery's settings back").await?;
    }
    Ok(last)
}

async fn recovering(connection: &mut PgConnection, report: Report<'_>) -> Result<bool> {
    let (still, at): (bool, Option<String>) = sqlx::query_as(AssertSqlSafe(
        "SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.pg_last_xact_replay_timestamp()::text"
            .to_owned(),
    ))
    .fetch_one(connection)
    .await
    .map_err(|error| failure("watch the recovery", &error))?;
    if let Some(at) = at {
        report(Progress::Detail(at));
    }
    Ok(still)
}
