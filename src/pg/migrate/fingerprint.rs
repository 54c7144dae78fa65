//! What edu remembers of each applied migration beside refinery's row: a checksum that comments, spaces and
//! line ends do not change. With it a harmless edit of an applied file is told apart from a real one.
//!
//! The table is `edu.migration`, in edu's own schema, which nobody but its owner may use. Without a row there
//! every edit counts as a real one.

use sqlx::postgres::PgConnection;

use super::history::{self, Applied, TABLE};
use crate::catalog::name::{quote_ident, quote_literal};
use crate::failure::{Exit, Failure, Result};
use crate::pg::error::failure;
use crate::pg::lock::Lock;
use crate::pg::session;
use crate::spec::migration::Migration;

/// edu's table, qualified.
pub const MEMORY: &str = "edu.migration";

const PRESENCE: &str = "\
SELECT COALESCE((SELECT pg_catalog.has_schema_privilege(n.oid, 'USAGE')
                    AND pg_catalog.has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE')
                 FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid
                 WHERE n.nspname = 'edu' AND c.relname = 'migration' AND c.relkind = 'r'), false)";

/// The statement that remembers `migration`; it runs as the owner.
///
/// # Errors
/// None in practice: a fingerprint is hexadecimal.
pub(super) fn statement(migration: &Migration) -> Result<String> {
    Ok(format!(
        "INSERT INTO edu.migration (version, fingerprint) VALUES ({}, {})
         ON CONFLICT (version) DO UPDATE SET fingerprint = EXCLUDED.fingerprint",
        migration.version,
        quote_literal(&migration.fingerprint())?
    ))
}

/// Remembers `migration`, in the caller's transaction and as the caller's role.
///
/// # Errors
/// By SQLSTATE; the caller's transaction fails with it.
pub(super) async fn record(connection: &mut PgConnection, migration: &Migration) -> Result<()> {
    if !presence(connection).await? {
        return Ok(());
    }
    session::run(connection, &statement(migration)?, "remember the migration").await
}

/// Whether the table is there and this role may write it.
async fn presence(connection: &mut PgConnection) -> Result<bool> {
    sqlx::query_scalar(PRESENCE)
        .fetch_one(connection)
        .await
        .map_err(|error| failure("look for edu's own tables", &error))
}

/// Whether the file of an applied migration differs in comments, spaces and line ends only.
pub fn is_harmless(applied: &Applied, migration: &Migration) -> bool {
    applied.name == migration.name
        && applied.fingerprint.as_deref() == Some(migration.fingerprint().as_str())
}

/// Accepts every harmless edit: the history gets the checksum that the file has now. The lock is held.
///
/// # Shape
/// The paths of the files that were accepted, by version.
///
/// # Errors
/// By SQLSTATE; nothing was changed then.
pub async fn accept(
    connection: &mut PgConnection,
    lock: &Lock,
    owner: Option<&str>,
    migrations: &[Migration],
) -> Result<Vec<String>> {
    let doing = "accept the edited files";
    let history = history::read(connection).await?;
    let mut edited = Vec::new();
    for applied in &history {
        let Some(file) = migrations.iter().find(|one| one.version == applied.version) else {
            continue;
        };
        let checksum = history::checksum(file)?;
        if applied.checksum != checksum && is_harmless(applied, file) {
            edited.push((file, checksum));
        }
    }
    if edited.is_empty() {
        return Ok(Vec::new());
    }
    session::run(connection, "BEGIN", doing).await?;
    let outcome = async {
        if let Some(owner) = owner {
            let sql = format!("SET LOCAL ROLE {}", quote_ident(owner));
            session::run(connection, &sql, doing).await?;
        }
        lock.check(connection).await?;
        for (file, checksum) in &edited {
            let sql = sqlx::AssertSqlSafe(format!(
                "UPDATE {TABLE} SET checksum = $2 WHERE version = $1"
            ));
            let done = sqlx::query(sql)
                .bind(file.version)
                .bind(checksum)
                .execute(&mut *connection)
                .await
                .map_err(|error| failure(doing, &error))?;
            if done.rows_affected() != 1 {
                return Err(Failure::new(
                    Exit::History,
                    "the schema history changed under the lock",
                ));
            }
        }
        let written: Vec<(i64, String)> = edited
            .iter()
            .map(|(file, checksum)| (file.version, checksum.clone()))
            .collect();
        history::prove(connection, &written).await
    }
    .await;
    match outcome {
        Ok(()) => session::run(connection, "COMMIT", doing).await?,
        Err(failure) => {
            let _ = sqlx::raw_sql("ROLLBACK").execute(connection).await;
            return Err(failure);
        }
    }
    Ok(edited
        .into_iter()
        .map(|(file, _)| file.up.document.path.clone())
        .collect())
}
