//! Care around CREATE INDEX CONCURRENTLY: what a broken-off build leaves is invalid, costs every
//! write, and is accepted silently by IF NOT EXISTS.

use sqlx::Row;
use sqlx::postgres::PgConnection;

use super::error::failure;
use super::message::Message;
use super::session;
use crate::catalog::name::{Name, quote_literal};
use crate::failure::{Exit, Failure, Result};

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
