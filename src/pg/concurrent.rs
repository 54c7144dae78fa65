//! Care around CREATE INDEX CONCURRENTLY: what a broken-off build leaves is invalid, costs every
//! write, and is accepted silently by IF NOT EXISTS.

use sqlx::Row;
use sqlx::postgres::PgConnection;

use super::error::{failure, server_error};
use super::message::Message;
use super::session;
use crate::catalog::name::{Name, quote_literal};
use crate::failure::{Exit, Failure, Result};

/// How often a catalog is read anew because something in it was dropped meanwhile.
pub const READS_MAX: usize = 10;

/// Whether a query met an object that was dropped after its snapshot was taken: the functions that word
/// definitions look at what is there now, and give no SQLSTATE of their own.
#[must_use]
pub fn is_gone(error: &sqlx::Error) -> bool {
    server_error(error).is_some_and(|error| {
        error.code() == "XX000"
            && (error.message().starts_with("cache lookup failed")
                || error.message().starts_with("could not open relation"))
    })
}

/// `what` changed under each attempt to read it.
#[must_use]
pub fn restless(what: &str) -> Failure {
    let message = format!("{what} changed under each of {READS_MAX} attempts to read the catalog");
    Failure::new(Exit::Sql, message)
        .hint("Run the command again once whatever drops and makes objects there has ended.")
}

/// Those that are there and that no session keeps to itself: the running REINDEX holds this lock on both indexes
/// from before the second can be seen until after it is gone. Locks are looked at after the indexes, never at once.
const UNHELD: &str = "\
SELECT u.place, c.oid::int8 AS oid
FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) WITH ORDINALITY AS u (relation, name, place)
JOIN pg_catalog.pg_index i ON i.indrelid = pg_catalog.to_regclass(u.relation)
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid AND pg_catalog.quote_ident(c.relname) = u.name
WHERE NOT EXISTS (
    SELECT FROM pg_catalog.pg_locks l
    WHERE l.locktype = 'relation' AND l.relation = c.oid AND l.mode = 'ShareUpdateExclusiveLock'
      AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()))";

/// Which of those are still there: one that has gone since was let go by its REINDEX between the two looks.
const STILL_THERE: &str = "\
SELECT u.place FROM ROWS FROM (pg_catalog.unnest($1::int8[]), pg_catalog.unnest($2::int8[])) AS u (place, oid)
JOIN pg_catalog.pg_index i ON i.indexrelid = u.oid::oid";

/// Which of these invalid indexes a REINDEX CONCURRENTLY of another session has made and will take away, or has
/// taken away by now. Each is a table and an index's own name, as SQL writes them. Shape: places among them.
///
/// # Errors
/// When the server cannot be asked.
pub async fn passing(
    connection: &mut PgConnection,
    indexes: &[(String, String)],
) -> Result<Vec<usize>> {
    if indexes.is_empty() {
        return Ok(Vec::new());
    }
    let asked = |error| failure("look for a REINDEX CONCURRENTLY that runs", &error);
    let (tables, names): (Vec<String>, Vec<String>) = indexes.iter().cloned().unzip();
    let unheld = sqlx::query_as(UNHELD).bind(tables).bind(names);
    let unheld: Vec<(i64, i64)> = unheld.fetch_all(&mut *connection).await.map_err(asked)?;
    let (places, oids): (Vec<i64>, Vec<i64>) = unheld.into_iter().unzip();
    let stay = sqlx::query_scalar(STILL_THERE).bind(places).bind(oids);
    let stay: Vec<i64> = stay.fetch_all(connection).await.map_err(asked)?;
    let stays = |place: usize| {
        stay.iter()
            .any(|stay| usize::try_from(*stay - 1) == Ok(place))
    };
    Ok((0..indexes.len()).filter(|place| !stays(*place)).collect())
}

/// Looks before a build: true when a valid index of that name is there already. An invalid leftover
/// is removed.
///
/// # Errors
/// When the leftover cannot be removed.
pub async fn clear_way(connection: &mut PgConnection, name: &Name) -> Result<bool> {
    match validity(connection, name).await? {
        Some(true) => Ok(true),
        Some(false) => drop_leftover(connection, name).await.map(|()| false),
        None => Ok(false),
    }
}

/// Proves after a build that the index is valid; after one that failed, removes what it left.
///
/// # Errors
/// The build's, or exit 9 when it said it worked and the index is not valid.
pub async fn conclude(connection: &mut PgConnection, name: &Name, build: Result<()>) -> Result<()> {
    match (build, validity(connection, name).await) {
        (Ok(()), Ok(Some(true))) => Ok(()),
        (Ok(()), _) => Err(Failure::new(
            Exit::Partial,
            format!("index {name} was built but is not valid"),
        )
        .hint("Run the command again: the invalid index is removed and built anew.")),
        (Err(failure), Ok(Some(false))) => {
            Err(failure.detail(match drop_leftover(connection, name).await {
                Ok(()) => format!("The invalid rest of index {name} was removed."),
                Err(_) => format!(
                    "The invalid rest of index {name} stays until the next run, which removes it."
                ),
            }))
        }
        (Err(failure), _) => Err(failure),
    }
}

/// Removes the invalid rest of a broken-off build.
///
/// # Errors
/// By SQLSTATE; the leftover is still there then.
pub async fn drop_leftover(connection: &mut PgConnection, name: &Name) -> Result<()> {
    let sql = format!("DROP INDEX CONCURRENTLY IF EXISTS {name}");
    session::run(
        connection,
        &sql,
        &format!("remove the invalid index {name}"),
    )
    .await
}

/// Whether an index of that name is valid; nothing when there is none.
async fn validity(connection: &mut PgConnection, name: &Name) -> Result<Option<bool>> {
    let mut message = Message::default();
    message.add(&format!(
        "SELECT i.indisvalid AND i.indisready AND i.indislive AS valid FROM pg_catalog.pg_index i
         WHERE i.indexrelid = pg_catalog.to_regclass({})",
        quote_literal(&name.to_string())?
    ));
    let rows = message
        .send(connection)
        .await
        .map_err(|stop| failure(&format!("look at index {name}"), &stop.error))?;
    Ok(rows.first().map(|row| row.get("valid")))
}
