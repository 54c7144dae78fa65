//! Another model or dimension for an embedding column, while the application goes on.
//!
//! A second column is filled beside the first, indexed, and exchanged with it in one short
//! transaction. There is no record of progress but the database itself: which columns there are, and
//! which rows have no new vector yet. So it can be broken off and run again at any point.

mod backfill;
mod exchange;
mod place;

use std::time::Duration;

use sqlx::postgres::PgConnection;

use super::index::{self, Site};
use super::session;
use crate::catalog::name::Name;
use crate::failure::{Exit, Failure, Result};
use crate::progress::{Progress, Report};
use crate::spec::vectors::{Target, VectorIndex};
use crate::vector::leftover::with_ending;
use crate::vector::target::TargetType;

pub use place::{Place, Stage};

/// Where new vectors come from.
pub enum Source<'a> {
    /// An SQL expression over the table's columns.
    Sql(&'a str),
    /// Something that turns rows (JSON objects without their vectors) into vectors (texts), in order.
    Rows(&'a dyn Fn(&[serde_json::Value]) -> Result<Vec<String>>),
}

/// One change of an embedding column.
pub struct Change<'a> {
    /// The table.
    pub table: Name,
    /// The column.
    pub column: String,
    /// What it becomes.
    pub to: TargetType,
    /// Where new vectors come from.
    pub source: Source<'a>,
    /// Rows at a time; at least 1.
    pub batch: u32,
    /// How long to leave the server alone between two batches.
    pub pause: Duration,
    /// The declared indexes on the column.
    pub indexes: Vec<VectorIndex>,
}

/// The ending of an index on the new column, before the exchange.
const NEXT: &str = "_edu_next";
/// The ending of an index on the old column, after the exchange.
const PREVIOUS: &str = "_edu_prev";

/// How many times the exchange is tried when rows keep arriving without a new vector.
const ROUNDS_MAX: u32 = 50;

/// Does what is left to do, up to and with the exchange. The database's lock is held by the caller.
///
/// # Errors
/// What was done stays; the next run goes on there. Exit 8 when the table has no primary key, a view
/// reads the column, or an exchange is not finished.
pub async fn migrate(
    connection: &mut PgConnection,
    site: &Site<'_>,
    change: &Change<'_>,
    report: Report<'_>,
) -> Result<u64> {
    let place = enter(connection, site, &change.table, &change.column).await?;
    match place.stage {
        Stage::Exchanged => {
            return Err(Failure::refused(format!(
                "column {} of {} was exchanged before, and the old one is still there",
                change.column, change.table
            ))
            .hint("End that change first: edu db embed finish, or edu db embed rollback."));
        }
        Stage::Untouched => exchange::prepare(connection, site, change, &place, report).await?,
        Stage::Filling => {
            report(Progress::Note(
                "going on where an earlier run stopped".to_owned(),
            ));
            exchange::prepare(connection, site, change, &place, report).await?;
        }
    }
    let place = place::read(connection, &change.table, &change.column).await?;
    let mut filled = backfill::fill(connection, site, change, &place, report).await?;
    build(connection, site, change, &place, report).await?;
    enter(connection, site, &change.table, &change.column).await?;
    for _ in 0..ROUNDS_MAX {
        // Rows that came while the index was built.
        filled += backfill::fill(connection, site, change, &place, report).await?;
        if exchange::forward(connection, site, change, &place, report).await? {
            exchange::require(connection, site, &place, report).await?;
            return Ok(filled);
        }
    }
    Err(Failure::new(
        Exit::Lock,
        format!(
            "rows arrive in {} faster than they get new vectors",
            change.table
        ),
    )
    .hint("Run it again with a larger --batch and a shorter --pause; it goes on where it is."))
}

/// Undoes a change: before the exchange the new column goes, after it the old one comes back.
///
/// # Errors
/// Exit 8 when there is nothing to undo.
pub async fn rollback(
    connection: &mut PgConnection,
    site: &Site<'_>,
    table: &Name,
    column: &str,
    indexes: &[VectorIndex],
    report: Report<'_>,
) -> Result<&'static str> {
    let place = enter(connection, site, table, column).await?;
    match place.stage {
        Stage::Untouched => Err(nothing(table, column)),
        Stage::Filling => {
            exchange::clear(connection, site, &place, &place.next(), report).await?;
            Ok("the new column was dropped; nothing else had changed")
        }
        Stage::Exchanged => {
            exchange::back(connection, site, &place, indexes, report).await?;
            Ok("the old column serves again; rows written since the exchange have no vector in it")
        }
    }
}

/// Drops the old column after an exchange.
///
/// # Errors
/// Exit 8 when nothing was exchanged.
pub async fn finish(
    connection: &mut PgConnection,
    site: &Site<'_>,
    table: &Name,
    column: &str,
    report: Report<'_>,
) -> Result<()> {
    let place = enter(connection, site, table, column).await?;
    if place.stage != Stage::Exchanged {
        return Err(nothing(table, column));
    }
    exchange::clear(connection, site, &place, &place.previous(), report).await
}

fn nothing(table: &Name, column: &str) -> Failure {
    Failure::refused(format!(
        "no change of column {column} of {table} is waiting for this"
    ))
    .hint("Begin one: edu db embed migrate")
}

async fn enter(
    connection: &mut PgConnection,
    site: &Site<'_>,
    table: &Name,
    column: &str,
) -> Result<Place> {
    session::reset(connection).await?;
    match place::forced(connection, table).await? {
        // The owner is bound by policies too; only such a login sees every row.
        (true, false) => {}
        (true, true) => {
            return Err(Failure::refused(format!(
                "row security is forced on {table}: its owner does not see every row"
            ))
            .hint("Connect as a superuser or a role with BYPASSRLS."));
        }
        (false, _) => session::become_role(connection, site.owner).await?,
    }
    // Every row counts, whatever the policies let this role see.
    session::run(connection, "SET row_security = off", "see all rows").await?;
    place::read(connection, table, column).await
}

/// The declared indexes, on the new column.
fn next_indexes(change: &Change<'_>, place: &Place) -> Vec<VectorIndex> {
    change
        .indexes
        .iter()
        .map(|index| VectorIndex {
            name: with_ending(&index.name, NEXT),
            target: Target::Column(place.next()),
            opclass: change.to.opclass(&index.opclass),
            ..index.clone()
        })
        .collect()
}

async fn build(
    connection: &mut PgConnection,
    site: &Site<'_>,
    change: &Change<'_>,
    place: &Place,
    report: Report<'_>,
) -> Result<()> {
    let beside = Site {
        dims: Some(change.to.dims),
        ..*site
    };
    let wanted = next_indexes(change, place);
    let outcomes = index::ensure(connection, &beside, &wanted, report).await?;
    match outcomes.iter().find(|outcome| !outcome.state.is_good()) {
        Some(bad) => Err(Failure::new(
            Exit::Partial,
            format!("index {} is not as it should be: {}", bad.name, bad.state),
        )
        .hint("Drop it and run the command again.")),
        None => Ok(()),
    }
}
