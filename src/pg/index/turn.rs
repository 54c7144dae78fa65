//! One builder per table: a second one would deadlock the first.
//!
//! Among edus an advisory lock per table sees to it; a build by somebody else is waited for. Both are
//! polled, because a waiter in the server holds a snapshot that the builder waits for.

use std::time::{Duration, Instant};

use sqlx::Row;
use sqlx::postgres::PgConnection;

use super::Site;
use crate::catalog::name::Name;
use crate::failure::{Exit, Failure, Result};
use crate::pg::error::failure;
use crate::progress::{Progress, Report, human_time};

/// The first key of the locks on tables: "edu" and a one. The second is the table's oid.
const CLASS: i32 = 0x6564_7501;

/// Takes the table's turn for this session and waits until nobody else builds on it.
///
/// # Errors
/// Exit 6 with who holds it up; exit 130 or 143 when cancelled while waiting.
pub async fn take(
    connection: &mut PgConnection,
    site: &Site<'_>,
    table: &Name,
    report: Report<'_>,
) -> Result<()> {
    let begun = Instant::now();
    let mut told = String::new();
    let mut pause = Duration::from_millis(20);
    loop {
        let Some(who) = in_the_way(connection, table).await? else {
            return Ok(());
        };
        if let Some(failure) = site.cancelled() {
            return Err(failure.detail("Nothing was begun."));
        }
        let limit = site.options.lock_timeout;
        if begun.elapsed() >= limit {
            return Err(Failure::new(
                Exit::Lock,
                format!("could not get table {table} within {}", human_time(limit)),
            )
            .detail(who)
            .hint("Wait for that build to end, or give more time with --lock-timeout."));
        }
        if told != who {
            report(Progress::Note(format!("waiting for table {table}: {who}")));
            told = who;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = site.cancel.wished() => {}
        }
        pause = (pause * 2).min(Duration::from_millis(500));
    }
}

/// Who builds on the table; `None` when the turn is this session's.
async fn in_the_way(connection: &mut PgConnection, table: &Name) -> Result<Option<String>> {
    let row = sqlx::query(
        "WITH t AS MATERIALIZED (SELECT pg_catalog.to_regclass($1)::oid AS oid),
              mine AS MATERIALIZED (
                  SELECT t.oid, EXISTS (
                      SELECT FROM pg_catalog.pg_locks l
                      WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'advisory' AND l.granted
                        AND l.classid::int8 = $2 AND l.objid = t.oid)
                      OR pg_catalog.pg_try_advisory_lock($2, t.oid::int8::bit(32)::int4) AS held FROM t)
         SELECT m.held, a.pid, a.application_name, a.usename::text AS usename, a.state, a.query,
                extract(epoch FROM pg_catalog.clock_timestamp() - a.xact_start)::float8 AS age
         FROM mine m
         LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = COALESCE(
             (SELECT p.pid FROM pg_catalog.pg_stat_progress_create_index p
              WHERE p.relid = m.oid AND p.datname = pg_catalog.current_database()
                AND p.pid <> pg_catalog.pg_backend_pid() LIMIT 1),
             (SELECT l.pid FROM pg_catalog.pg_locks l
              WHERE NOT m.held AND l.locktype = 'advisory' AND l.granted AND l.classid::int8 = $2
                AND l.objid = m.oid LIMIT 1))",
    )
    .bind(table.to_string())
    .bind(CLASS)
    .fetch_one(connection)
    .await
    .map_err(|error| failure(&format!("take the turn on table {table}"), &error))?;
    let held = row.get::<Option<bool>, _>("held").unwrap_or(true);
    let builder: Option<i32> = row.get("pid");
    Ok(match (held, builder) {
        (true, None) => None,
        (_, Some(_)) => Some(super::watch::session_words(&row)),
        (false, None) => Some("another run of edu".to_owned()),
    })
}
