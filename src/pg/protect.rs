//! Databases that nothing may be tried on: those that edu.toml lists, and those that say so themselves.
//!
//! The mark in a database is its setting `edu.protected`: `ALTER DATABASE shop SET edu.protected = on`.

use sqlx::postgres::PgConnection;

use super::Server;
use super::error::failure;
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
    let marked: bool = sqlx::query_scalar(
        "SELECT pg_catalog.lower(coalesce(pg_catalog.current_setting('edu.protected', true), ''))
                IN ('on', 'true', 'yes', '1')",
    )
    .fetch_one(connection)
    .await
    .map_err(|error| failure("ask whether the database is protected", &error))?;
    let why = match manifest.protected.iter().any(|name| name == database) {
        true => "edu.toml lists it under `protected`.",
        false if marked => "It has the setting edu.protected.",
        false => return Ok(()),
    };
    Err(
        Failure::refused(format!("database \"{database}\" is protected"))
            .detail(why)
            .hint(format!(
                "To {doing} all the same: --allow-protected={database}"
            )),
    )
}
