//! Writing history rows for migrations that edu did not run: a baseline, or another tool's history.

use sqlx::postgres::PgConnection;
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use super::{fingerprint, history, look, store};
use crate::catalog::name::{quote_ident, quote_literal};
use crate::failure::Result;
use crate::pg::lock::Lock;
use crate::pg::session;
use crate::spec::migration::Migration;

/// A migration to record, and when it was applied, where that is known.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The migration.
    pub migration: &'a Migration,
    /// When it was applied; now, where nobody knows.
    pub applied_at: Option<OffsetDateTime>,
}

/// Records migrations as applied, all or none, in a transaction in which our lock is held. Those that are
/// recorded already stay as they are.
///
/// # Errors
/// By SQLSTATE; nothing was recorded then.
pub async fn record(
    connection: &mut PgConnection,
    lock: &Lock,
    owner: Option<&str>,
    project: &str,
    known: &[Known<'_>],
) -> Result<()> {
    let doing = "record the migrations in the schema history";
    let look = look::look(connection, false).await?;
    store::check(&look, project, lock.server().database())?;
    if store::is_missing(&look) {
        store::make(connection, lock, owner, project).await?;
    }
    session::run(connection, "BEGIN", doing).await?;
    let mut written = Vec::new();
    let outcome = async {
        if let Some(owner) = owner {
            let sql = format!("SET LOCAL ROLE {}", quote_ident(owner));
            session::run(connection, &sql, doing).await?;
        }
        lock.check(connection).await?;
        session::run(connection, &history::create(), "create the schema history").await?;
        for one in known {
            let sql = record_at(one.migration, one.applied_at)?;
            session::run(connection, &sql, doing).await?;
            fingerprint::record(connection, one.migration).await?;
            if !look
                .history
                .iter()
                .any(|row| row.version == one.migration.version)
            {
                written.push((one.migration.version, history::checksum(one.migration)?));
            }
        }
        history::prove(connection, &written).await
    }
    .await;
    match outcome {
        Ok(()) => session::run(connection, "COMMIT", doing).await,
        Err(failure) => {
            let _ = sqlx::raw_sql("ROLLBACK").execute(connection).await;
            Err(failure)
        }
    }
}

/// A statement that records `migration` as applied now, unless it is recorded.
///
/// # Errors
/// Exit 2 when refinery does not take the file's name.
pub fn record_now(migration: &Migration) -> Result<String> {
    record_at(migration, None)
}

/// Like [`record_now`], with the time it was applied at, where that is known.
///
/// # Errors
/// Those of [`record_now`].
fn record_at(migration: &Migration, applied_at: Option<OffsetDateTime>) -> Result<String> {
    let file = history::files([migration])?.remove(0);
    let at = match applied_at.and_then(|at| at.to_offset(UtcOffset::UTC).format(&Rfc3339).ok()) {
        Some(at) => quote_literal(&at)?,
        None => "pg_catalog.to_char(pg_catalog.now() AT TIME ZONE 'UTC', \
                 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
            .to_owned(),
    };
    Ok(format!(
        "INSERT INTO {table} (version, name, applied_on, checksum)
SELECT {version}, {name}, {at}, '{checksum}'
WHERE NOT EXISTS (SELECT FROM {table} WHERE version = {version});",
        table = history::TABLE,
        version = file.version(),
        name = quote_literal(file.name())?,
        checksum = file.checksum(),
    ))
}
