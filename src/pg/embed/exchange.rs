//! The short transactions of a change: before the filling, the exchange, the way back, the end.
//!
//! Each gives its locks up soon and is tried again, so that nobody queues behind it for long.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Executor};

use super::backfill::type_schema;
use super::place::Place;
use super::{Change, NEXT, PREVIOUS, Source};
use crate::catalog::name::{Name, quote_ident};
use crate::failure::Result;
use crate::pg::error::failure;
use crate::pg::index::{Site, attempts};
use crate::pg::session;
use crate::progress::Report;
use crate::spec::vectors::VectorIndex;
use crate::vector::leftover::with_ending;

/// How long an attempt waits for its locks.
const LOCK: &str = "BEGIN; SET LOCAL lock_timeout = '700ms';";

/// Adds the new column, the trigger that gives a written row its new vector (an expression) or forgets
/// it (a command, which only edu can ask), and the index on the rows that lack one. What is there already stays.
///
/// # Errors
/// Exit 6 when no moment for the locks was found.
pub async fn prepare(
    connection: &mut PgConnection,
    site: &Site<'_>,
    change: &Change<'_>,
    place: &Place,
    report: Report<'_>,
) -> Result<()> {
    let (table, column, next) = (
        &place.table,
        quote_ident(&place.column),
        quote_ident(&place.next()),
    );
    let trigger = place.trigger();
    let name = quote_ident(&trigger.name);
    let value = match change.source {
        Source::Sql(expression) => format!("(SELECT ({expression}) FROM (SELECT (NEW).*) AS t)"),
        Source::Rows(_) => "NULL".to_owned(),
    };
    let sql = format!(
        "{LOCK} ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {next} {}.{}({});
         CREATE OR REPLACE FUNCTION {trigger}() RETURNS trigger LANGUAGE plpgsql AS $edu$
         BEGIN
             NEW.{next} := {value};
             RETURN NEW;
         END $edu$;
         DROP TRIGGER IF EXISTS {name} ON {table};
         CREATE TRIGGER {name} BEFORE INSERT OR UPDATE OF {column} ON {table}
             FOR EACH ROW EXECUTE FUNCTION {trigger}(); COMMIT",
        type_schema(change, place),
        change.to.name(),
        change.to.dims,
    );
    let doing = format!("add column {next} to {table}");
    attempts(connection, site, &sql, &doing, report).await?;
    let keys: Vec<&str> = place.key.iter().map(|(name, _)| name.as_str()).collect();
    for leaf in &place.leaves {
        let pending = place.pending_index(leaf);
        // An invalid leftover of an earlier run is of no use, and a valid one costs little to make anew.
        let doing = format!("index the rows of {leaf} that lack a new vector");
        let drop = format!("DROP INDEX CONCURRENTLY IF EXISTS {pending}");
        session::run(connection, &drop, &doing).await?;
        let sql = format!(
            "CREATE INDEX CONCURRENTLY {} ON {leaf} ({}) WHERE {next} IS NULL AND {column} IS NOT NULL",
            quote_ident(&pending.name),
            keys.join(", "),
        );
        session::run(connection, &sql, &doing).await?;
    }
    Ok(())
}

/// Exchanges the columns and the names of their indexes. Shape: false, and nothing changed, when a
/// row lacks a new vector.
///
/// # Errors
/// Exit 6 when no moment for the locks was found.
pub async fn forward(
    connection: &mut PgConnection,
    site: &Site<'_>,
    change: &Change<'_>,
    place: &Place,
    report: Report<'_>,
) -> Result<bool> {
    let table = &place.table;
    let (column, next, previous) = names(place);
    let trigger = place.trigger();
    let pending: Vec<String> = place
        .leaves
        .iter()
        .map(|leaf| place.pending_index(leaf).to_string())
        .collect();
    let mut sql = format!(
        "{LOCK} LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE;
         DO $edu$ BEGIN
             IF EXISTS (SELECT FROM {table} AS t WHERE {}) THEN
                 RAISE EXCEPTION 'rows lack a new vector' USING ERRCODE = '23502';
             END IF;
         END $edu$;
         DROP TRIGGER {} ON {table}; DROP FUNCTION {trigger}();
         ALTER TABLE {table} RENAME COLUMN {column} TO {previous};
         ALTER TABLE {table} RENAME COLUMN {next} TO {column};
         ALTER TABLE {table} ALTER COLUMN {previous} DROP NOT NULL;
         DROP INDEX {};",
        place.pending("t"),
        quote_ident(&trigger.name),
        pending.join(", "),
    );
    for index in &change.indexes {
        sql.push_str(&renamed(&index.name, &with_ending(&index.name, PREVIOUS)));
        sql.push_str(&renamed(&with_ending(&index.name, NEXT), &index.name));
    }
    sql.push_str("COMMIT");
    let doing = format!("exchange the columns of {table}");
    match attempts(connection, site, &sql, &doing, report).await {
        Ok(()) => Ok(true),
        Err(failure) if failure.detail.iter().any(|fact| fact.contains("23502")) => Ok(false),
        Err(failure) => Err(failure),
    }
}

fn names(place: &Place) -> (String, String, String) {
    (
        quote_ident(&place.column),
        quote_ident(&place.next()),
        quote_ident(&place.previous()),
    )
}

fn renamed(from: &Name, to: &Name) -> String {
    format!(
        "ALTER INDEX IF EXISTS {from} RENAME TO {};",
        quote_ident(&to.name)
    )
}

/// Makes the exchanged column as required as the old one was, without a scan under a lock.
///
/// # Errors
/// Exit 6 when no moment for the locks was found; the exchange stays.
pub async fn require(
    connection: &mut PgConnection,
    site: &Site<'_>,
    place: &Place,
    report: Report<'_>,
) -> Result<()> {
    if !place.required {
        return Ok(());
    }
    let (table, column) = (&place.table, quote_ident(&place.column));
    let check = quote_ident(&with_ending(&place.table, "_edu_required").name);
    let doing = format!("make column {column} of {table} NOT NULL");
    for sql in [
        format!(
            "{LOCK} ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {check};
             ALTER TABLE {table} ADD CONSTRAINT {check} CHECK ({column} IS NOT NULL) NOT VALID; COMMIT"
        ),
        format!("{LOCK} ALTER TABLE {table} VALIDATE CONSTRAINT {check}; COMMIT"),
        format!(
            "{LOCK} ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL;
             ALTER TABLE {table} DROP CONSTRAINT {check}; COMMIT"
        ),
    ] {
        attempts(connection, site, &sql, &doing, report).await?;
    }
    Ok(())
}

/// Gives the old column its name back; the new one goes.
///
/// # Errors
/// Exit 6 when no moment for the locks was found. Nothing changed then.
pub async fn back(
    connection: &mut PgConnection,
    site: &Site<'_>,
    place: &Place,
    indexes: &[VectorIndex],
    report: Report<'_>,
) -> Result<()> {
    let table = &place.table;
    let (column, _, previous) = names(place);
    let mut sql = format!(
        "{LOCK} ALTER TABLE {table} DROP COLUMN {column};
         ALTER TABLE {table} RENAME COLUMN {previous} TO {column};"
    );
    for index in indexes {
        sql.push_str(&renamed(&with_ending(&index.name, PREVIOUS), &index.name));
    }
    sql.push_str("COMMIT");
    let doing = format!("give column {column} of {table} back");
    attempts(connection, site, &sql, &doing, report).await?;
    if place.required && !lacks(connection, place).await? {
        require(connection, site, place, report).await?;
    }
    Ok(())
}

/// Whether some row has no vector in the column.
async fn lacks(connection: &mut PgConnection, place: &Place) -> Result<bool> {
    let sql = format!(
        "SELECT FROM {} WHERE {} IS NULL LIMIT 1",
        place.table,
        quote_ident(&place.column)
    );
    let row = connection.fetch_optional(AssertSqlSafe(sql)).await;
    row.map(|row| row.is_some()).map_err(|error| {
        failure(
            &format!("look for rows of {} without a vector", place.table),
            &error,
        )
    })
}

/// Drops a column of the change, with its indexes, and what belongs to the filling.
///
/// # Errors
/// Exit 6 when no moment for the locks was found. Nothing changed then.
pub async fn clear(
    connection: &mut PgConnection,
    site: &Site<'_>,
    place: &Place,
    column: &str,
    report: Report<'_>,
) -> Result<()> {
    let (table, trigger) = (&place.table, place.trigger());
    let sql = format!(
        "{LOCK} DROP TRIGGER IF EXISTS {} ON {table}; DROP FUNCTION IF EXISTS {trigger}();
         ALTER TABLE {table} DROP COLUMN {}; COMMIT",
        quote_ident(&trigger.name),
        quote_ident(column),
    );
    let doing = format!("drop column {column} of {table}");
    attempts(connection, site, &sql, &doing, report).await
}
