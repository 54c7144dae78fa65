//! A new index in an old one's place, with a valid one at every moment.
//!
//! The new one is built beside the old one; one short transaction exchanges the names; the old one is
//! dropped. Renaming an index locks the index alone and keeps no reader waiting.

use std::time::{Duration, Instant};

use sqlx::postgres::PgConnection;

use super::recover::drop_index;
use super::{Site, existing};
use crate::catalog::name::quote_ident;
use crate::failure::{Exit, Failure, Result};
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
    let begun = Instant::now();
    loop {
        let Err(failure) = session::run(connection, &sql, &doing).await else {
            break;
        };
        session::run(connection, "ROLLBACK", &doing).await?;
        if failure.exit != Exit::Lock {
            return Err(failure);
        }
        if begun.elapsed() >= BUDGET || site.cancel.failure().is_some() {
            return Err(late(failure, index));
        }
        report(Progress::Detail(
            "waiting for a moment to exchange the names".to_owned(),
        ));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    drop_index(connection, &old).await
}

fn late(failure: Failure, index: &VectorIndex) -> Failure {
    failure
        .detail(format!(
            "The new index is finished and valid as {}; the old one serves.",
            new_name(&index.name)
        ))
        .hint("Run edu db index again: it exchanges the names.")
}
