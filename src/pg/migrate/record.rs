//! The one statement that records a migration as applied: it proves first that nothing came between.
//!
//! History row, fingerprint and audit row are written by one statement, which the session plans once and
//! not for every file. It fails, and with it the whole transaction, when the transaction is not the one
//! that edu began, when our lock is lost, or when the history did not take the row.

use super::audit::{Ended, Run};
use super::history::TABLE;
use super::watch::Watch;
use crate::catalog::name::quote_literal;
use crate::failure::{Failure, Result};
use crate::pg::message::Message;
use crate::spec::migration::Migration;

/// What the statement's own failures begin with.
const MARK: &str = "edu record: ";

/// The transaction is another one than edu began: edu's are deferrable, which says nothing in one that
/// writes, and which no other is.
const TRANSACTION: &str = "transaction";
/// The lock is lost.
const LOCK: &str = "lock";
/// A trigger or rule swallowed the history's row.
const HISTORY: &str = "history";
/// A trigger took back or changed what was written, after it was.
const CHANGED: &str = "changed";

/// Adds the statements that record `migration`. `insert` is refinery's INSERT into the history.
///
/// # Errors
/// When refinery's INSERT is not what it was.
pub(super) fn add(
    message: &mut Message,
    watch: &Watch<'_>,
    run: Option<&Run>,
    migration: &Migration,
    insert: &str,
    ended: &Ended<'_>,
) -> Result<()> {
    let values = values(insert)?;
    let Some(run) = run else {
        message.add(&statement(watch, &written(&values), ""));
        return Ok(());
    };
    let (name, new) = watch.knows.record();
    if new {
        let audit = format!(
            ", memory AS (
                INSERT INTO edu.migration (version, fingerprint) VALUES ($1, $5)
                ON CONFLICT (version) DO UPDATE SET fingerprint = EXCLUDED.fingerprint
            ), step AS ({})",
            run.insert_step("$1, $2, $6, $7, $8, 'applied', NULL, NULL")
        );
        message.add(&format!(
            "PREPARE {name} (int8, text, text, text, text, int8, int8, int4) AS {}",
            statement(watch, &written("$1, $2, $3, $4"), &audit)
        ));
    }
    // One plan for all files, from the first on.
    message.add("SET LOCAL plan_cache_mode = force_generic_plan");
    message.add(&format!(
        "EXECUTE {name} ({values}, {}, {}, {}, {})",
        quote_literal(&migration.fingerprint())?,
        ended.took.as_millis(),
        ended.lock_wait.as_millis(),
        ended.attempts,
    ));
    Ok(())
}

/// Whether a file may make the session forget what it has prepared.
pub(super) fn may_forget(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.contains("deallocate") || text.contains("discard")
}

/// Whether a file may put a trigger on the history.
pub(super) fn may_watch(text: &str) -> bool {
    text.to_ascii_lowercase().contains("trigger")
}

/// Adds what fails when the history is not as it was written, after everything that runs behind a row has run:
/// triggers run when their statement ends, deferred ones here. `insert` is refinery's; none on the way back.
///
/// # Errors
/// When refinery's INSERT is not what it was.
pub(super) fn reread(message: &mut Message, version: i64, insert: Option<&str>) -> Result<()> {
    let as_written = match insert {
        Some(insert) => format!(
            "(SELECT count(*) = 1 AND bool_and(h.name::text = w.name AND h.checksum::text = w.checksum)
              FROM {TABLE} h, (VALUES ({})) AS w (version, name, applied_on, checksum) WHERE h.version = {version})",
            values(insert)?
        ),
        None => format!("NOT EXISTS (SELECT FROM {TABLE} WHERE version = {version})"),
    };
    message.add("SET CONSTRAINTS ALL IMMEDIATE");
    message.add(&format!(
        "SELECT CASE WHEN NOT {as_written} THEN CAST(pg_catalog.concat('{MARK}{CHANGED} ', ({})) AS int4) END",
        super::history::WATCHERS
    ));
    Ok(())
}

/// The values of refinery's INSERT: version, name, time, checksum.
fn values(insert: &str) -> Result<String> {
    let lead = format!("INSERT INTO {TABLE} (version, name, applied_on, checksum) VALUES (");
    let values = insert.trim_end().trim_end_matches(';');
    values
        .strip_prefix(&lead)
        .and_then(|values| values.strip_suffix(')'))
        .map(str::to_owned)
        .ok_or_else(|| Failure::bug("refinery records a migration in an unknown way"))
}

/// Adds the statement that takes a version out of the history.
///
/// # Errors
/// None in practice: see [`Run::step`].
pub(super) fn take_back(
    message: &mut Message,
    watch: &Watch<'_>,
    run: Option<&Run>,
    ended: &Ended<'_>,
) -> Result<()> {
    let version = ended.version;
    let forgotten = format!(", memory AS (DELETE FROM edu.migration WHERE version = {version})");
    let audit = match run {
        Some(run) => format!("{forgotten}, step AS ({})", run.step(ended)?),
        None => String::new(),
    };
    let gone = format!("DELETE FROM {TABLE} WHERE version = {version} RETURNING 1");
    message.add(&statement(watch, &gone, &audit));
    Ok(())
}

fn written(values: &str) -> String {
    format!("INSERT INTO {TABLE} (version, name, applied_on, checksum) SELECT {values} RETURNING 1")
}

/// `history` changes one row of the history and returns something; `more` are further parts of the WITH,
/// which may be empty.
fn statement(watch: &Watch<'_>, history: &str, more: &str) -> String {
    format!(
        "WITH proof AS MATERIALIZED (
            SELECT CASE WHEN pg_catalog.current_setting('transaction_deferrable') <> 'on' THEN '{TRANSACTION}'
                        WHEN NOT {} THEN '{LOCK}' END AS broken
        ), history AS ({history}){more}
        SELECT CASE WHEN broken IS NOT NULL OR NOT EXISTS (SELECT FROM history)
               THEN CAST(pg_catalog.concat('{MARK}', COALESCE(broken, '{HISTORY}')) AS int4) END FROM proof",
        watch.lock.held_sql()
    )
}

/// What a failure of the statement means; none when it is not one that it raised itself.
pub(super) fn broken(message: &str) -> Option<Broken> {
    let (_, rest) = message.split_once(MARK)?;
    [
        (TRANSACTION, Broken::Transaction),
        (LOCK, Broken::Lock),
        (HISTORY, Broken::History),
    ]
    .into_iter()
    .find(|(word, _)| rest.starts_with(word))
    .map(|(_, broken)| broken)
    .or_else(|| {
        let names = rest.strip_prefix(CHANGED)?.trim().trim_end_matches('"');
        Some(Broken::Changed(names.to_owned()))
    })
}

/// Why a migration was not recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Broken {
    /// The file ended the transaction that edu began.
    Transaction,
    /// The lock is lost.
    Lock,
    /// The history did not take the row, or did not give it back.
    History,
    /// The history changed again behind the row. Names the triggers.
    Changed(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_of_refinerys_insert_are_found_and_another_insert_is_refused() {
        let insert = format!(
            "INSERT INTO {TABLE} (version, name, applied_on, checksum) VALUES (1, 'a', 'now', '7')"
        );
        assert_eq!(values(&insert).unwrap(), "1, 'a', 'now', '7'");
        assert!(values("INSERT INTO other VALUES (1)").is_err());
    }

    #[test]
    fn only_its_own_failures_are_taken_for_its_own() {
        let own = "invalid input syntax for type integer: \"edu record: lock\"";
        assert_eq!(broken(own), Some(Broken::Lock));
        let changed = "invalid input syntax for type integer: \"edu record: changed a, b\"";
        assert_eq!(broken(changed), Some(Broken::Changed("a, b".to_owned())));
        assert_eq!(broken("invalid input syntax for type integer: \"x\""), None);
    }
}
