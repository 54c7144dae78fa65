//! A new index in an old one's place, with a valid one at every moment.
//!
//! The new one is built beside the old one; one short transaction exchanges the names; the old one is
//! dropped. Renaming an index locks the index alone and keeps no reader waiting.

use std::time::{Duration, Instant};

use sqlx::postgres::PgConnection;

use super::recover::drop_index;
use super::{Site, existing};
use crate::catalog::name::quote_ident;
use crate::failure::{Exit, Result};
use crate::pg::session;
use crate::progress::{Progress, Report};
use crate::spec::vectors::VectorIndex;
use crate::vector::leftover::{new_name, old_name};

/// How long one attempt at the names waits for its locks. Units: milliseconds.
const ATTEMPT_MS: u32 = 700;
/// How long all attempts may take.
const BUDGET: Duration = Duration::from_secs(600);

/// Gives the finished replacement the index's name and drops the one that had it.
///
/// # Errors
/// Exit 6 when the names could not be locked within the budget; both indexes are there then, and the
/// next run goes on.
pub async fn swap(
    connection: &mut PgConnection,
    site: &Site<'_>,
    index: &VectorIndex,
    report: Report<'_>,
) -> Result<()> {
    exchange(connection, site, index, report).await?;
    drop_index(connection, &old_name(&index.name)).await
}

/// Exchanges the names alone.
///
/// # Errors
/// Those of [`swap`].
pub async fn exchange(
    connection: &mut PgConnection,
    site: &Site<'_>,
    index: &VectorIndex,
    report: Report<'_>,
) -> Result<()> {
    let (new, old) = (new_name(&index.name), old_name(&index.name));
    let all = existing::around(connection, index).await?;
    let mut sql = format!("BEGIN; SET LOCAL lock_timeout = {ATTEMPT_MS};");
    if existing::named(&all, &index.name).is_some() {
        sql.push_str(&format!(
            "ALTER INDEX {} RENAME TO {};",
            index.name,
            quote_ident(&old.name)
        ));
    }
    sql.push_str(&format!(
        "ALTER INDEX {new} RENAME TO {}; COMMIT",
        quote_ident(&index.name.name)
    ));
    let doing = format!("exchange the names of {new} and {}", index.name);
    attempts(connection, site, &sql, &doing, report)
        .await
        .map_err(|failure| match failure.exit {
            Exit::Lock => failure
                .detail(format!(
                    "The new index is finished and valid as {new}; the old one serves."
                ))
                .hint("Run edu db index again: it exchanges the names."),
            _ => failure,
        })
}

/// Runs a short transaction that gives up its locks soon, again and again until it gets through.
///
/// # Errors
/// Exit 6 when it did not within the budget, or before the user asked to stop. Nothing was changed.
pub async fn attempts(
    connection: &mut PgConnection,
    site: &Site<'_>,
    sql: &str,
    doing: &str,
    report: Report<'_>,
) -> Result<()> {
    let begun = Instant::now();
    let mut told = false;
    loop {
        let Err(failure) = session::run(connection, sql, doing).await else {
            return Ok(());
        };
        session::run(connection, "ROLLBACK", doing).await?;
        let late = begun.elapsed() >= BUDGET || site.cancelled().is_some();
        if late || failure.exit != Exit::Lock {
            return Err(failure);
        }
        if !told {
            report(Progress::Note(format!("waiting for a moment to {doing}")));
            told = true;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
