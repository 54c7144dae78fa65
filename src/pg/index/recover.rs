//! What broken-off work left on a table: found, told apart, removed or finished.
//!
//! It trusts no name: what is dropped is invalid, or is edu's own after a swap. It can be run again
//! at any point.

use sqlx::postgres::PgConnection;

use super::existing::{self, Existing};
use super::{Site, swap};
use crate::catalog::name::Name;
use crate::failure::{Failure, Result};
use crate::pg::session;
use crate::progress::{Progress, Report};
use crate::spec::vectors::VectorIndex;
use crate::vector::definition::{Wanted, differences};
use crate::vector::leftover::{Maker, is_reindex_leftover, maker, new_name};

/// How long removing a leftover may take when the user wants to leave. Units: milliseconds.
const TIDY_MS: u32 = 5_000;

/// What is to be done with one index that stands beside the declared one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is invalid or replaced: drop it.
    Drop,
    /// A finished replacement: swap it in.
    Swap,
}

/// The fate of `one` beside `index`; `None` when it is none of ours, or in order.
pub(super) fn fate(index: &VectorIndex, wanted: &Wanted, one: &Existing) -> Option<Fate> {
    if one.found.table != index.table || one.partitioned {
        return None;
    }
    if one.name == index.name {
        return (!one.valid).then_some(Fate::Drop);
    }
    match maker(&one.name.name, &index.name.name)? {
        Maker::Reindex => (!one.valid).then_some(Fate::Drop),
        Maker::Old => Some(Fate::Drop),
        Maker::New if one.valid && differences(index, wanted, &one.found).is_empty() => {
            Some(Fate::Swap)
        }
        Maker::New => Some(Fate::Drop),
    }
}

/// Clears the way for `index`. The table's turn is this session's. Shape: the indexes as they are
/// afterwards.
///
/// # Errors
/// Exit 8 when the name belongs to an index of another table; that of a drop that failed.
pub async fn clear(
    connection: &mut PgConnection,
    site: &Site<'_>,
    index: &VectorIndex,
    wanted: &Wanted,
    report: Report<'_>,
) -> Result<Vec<Existing>> {
    let mut all = existing::around(connection, index).await?;
    taken(index, &all)?;
    let fates: Vec<(Name, Fate)> = all
        .iter()
        .filter_map(|one| Some((one.name.clone(), fate(index, wanted, one)?)))
        .collect();
    if fates.is_empty() {
        return Ok(all);
    }
    for (name, fate) in &fates {
        if *fate == Fate::Drop {
            report(Progress::Note(format!(
                "removing {name}, which an earlier run left"
            )));
            drop_index(connection, name).await?;
        }
    }
    if fates.iter().any(|(_, fate)| *fate == Fate::Swap) {
        report(Progress::Note(format!(
            "{} is finished: it takes the place of {}",
            new_name(&index.name),
            index.name
        )));
        swap::swap(connection, site, index, report).await?;
    }
    all = existing::around(connection, index).await?;
    Ok(all)
}

/// Refuses to touch a name that another table's index bears.
fn taken(index: &VectorIndex, all: &[Existing]) -> Result<()> {
    match existing::named(all, &index.name) {
        Some(other) if other.found.table != index.table => Err(Failure::refused(format!(
            "index {} is on table {}, declared is {}",
            index.name, other.found.table, index.table
        ))
        .detail("It was left as it is.")
        .hint("Rename it, or declare another name in spec/vectors.toml.")),
        _ => Ok(()),
    }
}

/// Invalid indexes of the table that belong to nobody edu knows: told, never touched.
pub fn foreign(all: &[Existing], declared: &[VectorIndex]) -> Vec<String> {
    all.iter()
        .filter(|one| !one.valid)
        .filter(|one| {
            declared.iter().all(|index| {
                one.name != index.name && maker(&one.name.name, &index.name.name).is_none()
            })
        })
        .map(|one| {
            let made = if is_reindex_leftover(&one.name.name) {
                "left by a REINDEX CONCURRENTLY"
            } else {
                "not declared"
            };
            let cost = if one.ready {
                "; every write pays for it"
            } else {
                ""
            };
            format!("index {} is invalid and {made}{cost}", one.name)
        })
        .collect()
}

/// Drops an index beside readers and writers.
///
/// # Errors
/// By SQLSTATE; the index is still there then.
pub async fn drop_index(connection: &mut PgConnection, name: &Name) -> Result<()> {
    let sql = format!("DROP INDEX CONCURRENTLY IF EXISTS {name}");
    session::run(connection, &sql, &format!("remove the index {name}")).await
}

/// After a build that did not end well: removes what it left, within a few seconds. Adds to `failure`
/// what became of it.
pub async fn tidy(connection: &mut PgConnection, name: &Name, failure: Failure) -> Failure {
    let timeout = format!("SET statement_timeout = {TIDY_MS}");
    let tidied = match session::run(connection, &timeout, "prepare the session").await {
        Ok(()) => drop_index(connection, name).await,
        lost => lost,
    };
    match tidied {
        Ok(()) => failure.detail(format!("The invalid rest of index {name} was removed.")),
        Err(_) => failure
            .detail(format!("Index {name} may be left behind, invalid."))
            .hint("Run edu db index again: it finds and removes what is left."),
    }
}
