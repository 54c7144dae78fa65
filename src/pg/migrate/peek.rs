//! Peek, then lock: a strong lock is asked for only when nobody holds on to the relation for long.
//!
//! Whoever waits for a strong lock makes everybody wait who comes after. So edu looks, without
//! queueing, for transactions that hold a lock in the way and are older than its attempt would last;
//! while there are any, an attempt would only hurt.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sqlx::Row;

use super::context::Patience;
use super::watch::{BLOCKER, Blocker, Watch};
use crate::catalog::name::quote_literal;
use crate::failure::{Exit, Failure, Result};
use crate::pg::error::server_error;
use crate::pg::message::Message;
use crate::progress::{Progress, human_time};
use crate::sql::lock::Blocks;
use crate::sql::target::StrongLock;

/// How often is looked.
const PAUSE: Duration = Duration::from_millis(50);

/// After so long without a chance, the next attempt may be longer.
const GROW_AFTER: Duration = Duration::from_secs(5);

/// Waits until an attempt at `targets` has a chance.
///
/// # Errors
/// Exit 6 at the `deadline`, naming who is in the way; exit 130 or 143 when a stop was asked for.
pub(super) async fn until_free(
    watch: &Watch<'_>,
    what: &str,
    targets: &[StrongLock],
    patience: &mut Patience,
    deadline: Instant,
) -> Result<()> {
    if targets.is_empty() {
        return Ok(());
    }
    let sql = format!("EXECUTE edu_peek ({})", arguments(targets, watch.pid())?);
    let begun = Instant::now();
    let mut grown = begun;
    let mut told = Vec::new();
    loop {
        let mut message = Message::default();
        if !watch.peeks.swap(true, Ordering::Relaxed) {
            message.add(&prepare());
        }
        message.add(&sql);
        let rows = watch.lock.ask(message).await?;
        let old: Vec<Blocker> = rows
            .iter()
            .filter(|row| !row.get::<bool, _>("yields"))
            .map(Blocker::read)
            .filter(|holder| holder.pid.is_none() || holder.age > patience.limit())
            .collect();
        let Some(first) = old.first() else {
            return Ok(());
        };
        if !told.contains(&first.pid) {
            told.push(first.pid);
            (watch.report)(Progress::Note(format!("{what} holds back: {first}")));
        }
        let waited = human_time(begun.elapsed());
        (watch.report)(Progress::Detail(format!(
            "{what} held back for {waited}: {first}"
        )));
        if Instant::now() >= deadline {
            return Err(exhausted(what, &old));
        }
        if grown.elapsed() >= GROW_AFTER {
            grown = Instant::now();
            patience.grow();
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = watch.cancel.wished() => return Err(watch.cancel.failure()),
        }
    }
}

/// Parts of a query for the sessions that hold a lock in the way of $1 and $2, session $3 left out: `held`.
const HELD: &str = "wanted AS (
             SELECT COALESCE(i.indrelid, c.oid) AS oid, pg_catalog.bool_or(w.everybody) AS everybody
             FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS w (name, everybody)
             JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass(w.name)
             LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid GROUP BY 1
         ), held AS (
             SELECT DISTINCT l.pid FROM wanted
             JOIN pg_catalog.pg_locks l ON l.relation = wanted.oid AND l.granted
             WHERE l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
               AND l.pid IS DISTINCT FROM $3
               AND (wanted.everybody OR l.mode NOT IN ('AccessShareLock', 'RowShareLock', 'ShareLock'))
         )";

/// Who holds a lock in the way, the oldest first. An autovacuum worker yields by itself. Planned once per
/// run: it may be asked often.
fn prepare() -> String {
    format!(
        "PREPARE edu_peek (text[], boolean[], int4) AS
         WITH {HELD}
         SELECT {BLOCKER}, COALESCE(a.backend_type = 'autovacuum worker', false) AS yields
         FROM held LEFT JOIN LATERAL (SELECT * FROM pg_catalog.pg_stat_activity s WHERE s.pid = held.pid) a ON true
         ORDER BY a.xact_start"
    )
}

/// What the failure of [`glance`] says.
const MARK: &str = "edu peek: held";

/// Statements that fail when somebody holds on to one of `targets` for longer than an attempt would last.
/// They stand before the attempt in its own message, so that looking costs no round trip. The transaction
/// ends before the next one begins: nothing may have been read in that one yet.
pub(super) fn glance(
    message: &mut Message,
    watch: &Watch<'_>,
    targets: &[StrongLock],
    limit: Duration,
) -> Result<()> {
    let (name, new) = watch.knows.glance();
    if new {
        message.add(&format!(
            "PREPARE {name} (text[], boolean[], int4, int8) AS
             WITH {HELD}
             SELECT CAST(pg_catalog.concat('{MARK} by ', held.pid) AS int4)
             FROM held LEFT JOIN LATERAL pg_catalog.pg_stat_get_activity(COALESCE(held.pid, 0)) a ON true
             WHERE held.pid IS NULL OR a.backend_type <> 'autovacuum worker'
               AND pg_catalog.clock_timestamp() - a.xact_start > $4 * '1 ms'::pg_catalog.interval"
        ));
    }
    message.add("BEGIN READ ONLY");
    message.add("SET LOCAL plan_cache_mode = force_generic_plan");
    message.add(&format!(
        "EXECUTE {name} ({}, {})",
        arguments(targets, watch.pid())?,
        limit.as_millis()
    ));
    message.add("COMMIT");
    Ok(())
}

/// Whether a statement failed because [`glance`] saw somebody.
pub(super) fn held_back(error: &sqlx::Error) -> bool {
    server_error(error).is_some_and(|error| error.message().contains(MARK))
}

/// What both prepared statements take first.
fn arguments(targets: &[StrongLock], pid: i32) -> Result<String> {
    let mut names = Vec::new();
    let mut everybody = Vec::new();
    for target in targets {
        names.push(quote_literal(&target.relation)?);
        everybody.push((target.blocks == Blocks::ReadsAndWrites).to_string());
    }
    Ok(format!(
        "ARRAY[{}], ARRAY[{}], {pid}",
        names.join(", "),
        everybody.join(", ")
    ))
}

/// The failure that says that the budget for locks is used up.
pub(super) fn exhausted(what: &str, blockers: &[Blocker]) -> Failure {
    let mut failure = Failure::new(
        Exit::Lock,
        format!("{what} did not get its locks within the budget"),
    );
    for blocker in blockers.iter().take(5) {
        failure = failure.detail(format!("In the way: {blocker}."));
    }
    match blockers.iter().find_map(|blocker| blocker.pid) {
        Some(pid) => failure.hint(format!(
            "Wait for that session, end it (SELECT pg_terminate_backend({pid})), or give more time with --ddl-budget"
        )),
        None => failure.hint("Run the command at a quieter time, or give more time with --ddl-budget"),
    }
}

/// The same, with the place in the file and the facts of the last attempt's failure.
pub(super) fn at_last(what: &str, blockers: &[Blocker], last: Failure) -> Failure {
    let mut failure = exhausted(what, blockers);
    failure.excerpt = last.excerpt;
    failure.detail.extend(last.detail);
    failure
}
