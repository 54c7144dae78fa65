//! Indexes that exist for a moment only, while REINDEX CONCURRENTLY works in another session.

use sqlx::postgres::PgConnection;

use crate::catalog::{Catalog, Id, Kind};
use crate::failure::Result;
use crate::pg::concurrent;
use crate::vector::leftover::is_reindex_leftover;

/// Leaves out of the catalog what a REINDEX CONCURRENTLY that runs at this moment has made. What a broken-off
/// one left stays in. Asked outside of the transaction that read the catalog, so that what is gone by now
/// counts as gone.
///
/// # Errors
/// When the server cannot be asked.
pub(super) async fn leave_out(connection: &mut PgConnection, catalog: &mut Catalog) -> Result<()> {
    let suspects: Vec<Id> = catalog
        .of(Kind::Index)
        .filter(|(id, facets)| {
            facets.flag("not_valid") && is_reindex_leftover(id.name.trim_matches('"'))
        })
        .map(|(id, _)| id.clone())
        .collect();
    let named: Vec<(String, String)> = suspects
        .iter()
        .map(|id| (id.on.to_string(), id.name.to_string()))
        .collect();
    for place in concurrent::passing(connection, &named).await? {
        if let Some(id) = suspects.get(place) {
            catalog.objects.remove(id);
        }
    }
    Ok(())
}
