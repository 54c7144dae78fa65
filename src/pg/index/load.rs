//! After rows were loaded: an ivfflat index's lists are made from the rows that are there when it is
//! built, so one from before the load finds little.

use sqlx::postgres::PgConnection;

use super::{Outcome, Site, existing, facts, rebuild};
use crate::failure::Result;
use crate::pg::session;
use crate::progress::Report;
use crate::spec::vectors::{Method, VectorIndex};
use crate::vector::definition::{loaded_since, option_of};

/// Builds those ivfflat indexes anew, without a gap, whose rows came after them. The database's lock is
/// held by the caller. Shape: the indexes that were built; none when none had to be.
///
/// # Errors
/// Those of [`rebuild`]; the old index serves until the new one is valid.
pub async fn after_load(
    connection: &mut PgConnection,
    site: &Site<'_>,
    indexes: &[VectorIndex],
    report: Report<'_>,
) -> Result<Vec<Outcome>> {
    let made_of_rows = |index: &&VectorIndex| matches!(index.method, Method::Ivfflat { .. });
    let mut due = Vec::new();
    session::reset(connection).await?;
    session::become_role(connection, site.owner).await?;
    let host = facts::host(connection, site).await?;
    for index in indexes.iter().filter(made_of_rows) {
        let all = existing::around(connection, index).await?;
        let Some(there) = existing::named(&all, &index.name).filter(|one| one.valid) else {
            continue;
        };
        let rows = facts::outlook(connection, site, &host, index, 1)
            .await?
            .rows;
        let lists = option_of(&there.found.options, "lists").unwrap_or(100);
        if there.found.method == "ivfflat" && loaded_since(lists, there.built_over(), rows) {
            due.push(index.clone());
        }
    }
    session::reset(connection).await?;
    rebuild(connection, site, &due, report).await
}
