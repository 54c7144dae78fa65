//! Indexes that exist for a moment only, while REINDEX CONCURRENTLY works in another session.

use sqlx::Row;
use sqlx::postgres::PgConnection;

use crate::catalog::{Catalog, Id, Kind};
use crate::failure::Result;
use crate::pg::error::failure;
use crate::vector::leftover::is_reindex_leftover;

/// What the running REINDEX keeps to itself: it holds this lock on both indexes until the second is gone.
const SQL: &str = "\
SELECT u.place
FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) WITH ORDINALITY AS u (relation, name, place)
WHERE NOT EXISTS (
    SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid = pg_catalog.to_regclass(u.relation) AND pg_catalog.quote_ident(c.relname) = u.name
      AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_locks l
        WHERE l.locktype = 'relation' AND l.relation = c.oid AND l.mode = 'ShareUpdateExclusiveLock'
          AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())))";

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
    if suspects.is_empty() {
        return Ok(());
    }
    let column = |part: fn(&Id) -> &str| -> Vec<String> {
        suspects.iter().map(|id| part(id).to_owned()).collect()
    };
    let rows = sqlx::query(SQL)
        .bind(column(|id| &id.on))
        .bind(column(|id| &id.name))
        .fetch_all(connection)
        .await
        .map_err(|error| failure("look for a REINDEX CONCURRENTLY that runs", &error))?;
    for row in rows {
        let place = usize::try_from(row.get::<i64, _>("place") - 1).unwrap_or(usize::MAX);
        if let Some(id) = suspects.get(place) {
            catalog.objects.remove(id);
        }
    }
    Ok(())
}
