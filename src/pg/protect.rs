//! Databases that nothing may be tried on: those that edu.toml lists, and those that say so themselves.
//!
//! The mark in a database is its setting `edu.protected`: `ALTER DATABASE shop SET edu.protected = on`.

use sqlx::Row;
use sqlx::postgres::PgConnection;

use super::error::failure;
use super::{Server, message};
use crate::failure::{Failure, Result};
use crate::spec::manifest::Manifest;

/// Refuses a protected database, unless `allowed` repeats its name. `doing` completes "to …".
///
/// # Errors
/// Exit 8. Nothing was changed.
pub async fn refuse(
    connection: &mut PgConnection,
    server: &Server,
    manifest: &Manifest,
    allowed: Option<&str>,
    doing: &str,
) -> Result<()> {
    let database = server.database();
    if allowed == Some(database) {
        return Ok(());
    }
    let Some(why) = why(connection, server, manifest).await? else {
        return Ok(());
    };
    Err(
        Failure::refused(format!("database \"{database}\" is protected"))
            .detail(why)
            .hint(format!(
                "To {doing} all the same: --allow-protected={database}"
            )),
    )
}

/// Why the database is protected, in a sentence; nothing when it is not.
///
/// # Errors
/// When the connection is lost, or the network has gone silent.
pub async fn why(
    connection: &mut PgConnection,
    server: &Server,
    manifest: &Manifest,
) -> Result<Option<&'static str>> {
    if manifest
        .protected
        .iter()
        .any(|name| name == server.database())
    {
        return Ok(Some("edu.toml lists it under `protected`."));
    }
    let sql =
        "SELECT pg_catalog.lower(coalesce(pg_catalog.current_setting('edu.protected', true), ''))
                      IN ('on', 'true', 'yes', '1') AS marked";
    let rows = message::ask(connection, sql.to_owned())
        .await
        .map_err(|stop| failure("ask whether the database is protected", &stop.error))?;
    let marked = rows.first().is_some_and(|row| row.get("marked"));
    Ok(marked.then_some("It has the setting edu.protected."))
}
