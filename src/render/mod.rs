//! Differences → DDL: the statements that bring a database back to what is expected.
//!
//! Names in a catalog are quoted already, expressions and definitions are the server's own words, so
//! they stand in a statement as they are; everything else passes the quoting of `catalog::name`.
//! Where no statement mends a difference without a decision (lost values, another order of an enum),
//! there is none.

mod alter;
mod create;
mod drop;
mod grant;
mod rare;
mod routine;
pub mod script;
mod setting;
mod table;
mod types;
mod words;

use crate::catalog::{Catalog, Kind};
use crate::diff::{Change, Difference};

pub use create::create;
pub use drop::drop;

/// The statements that mend `difference`, one per line or more; nothing where none can be offered.
pub fn repair(
    difference: &Difference,
    expected: &Catalog,
    actual: &Catalog,
    database: &str,
) -> Option<String> {
    let id = &difference.id;
    if of_graph(difference, expected) {
        return None;
    }
    let statements = match &difference.change {
        Change::Missing => create(id, expected, database)?,
        Change::Unexpected => {
            let facets = actual.objects.get(id)?;
            drop(id, facets, database).or_else(|| drop::lossy(id, facets))?
        }
        Change::Facet { .. } => repair_facet(difference, expected, actual, database)?,
    };
    let lines: Vec<String> = statements
        .iter()
        .map(|sql| match sql.starts_with("-- ") {
            true => sql.clone(),
            false => format!("{sql};"),
        })
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// The statements for a facet that differs.
fn repair_facet(
    difference: &Difference,
    expected: &Catalog,
    actual: &Catalog,
    database: &str,
) -> Option<Vec<String>> {
    let Change::Facet {
        facet,
        expected: wanted,
        actual: found,
    } = &difference.change
    else {
        return None;
    };
    let context = alter::Context {
        id: &difference.id,
        expected,
        actual,
        database,
    };
    alter::facet(&context, facet, wanted.as_ref(), found.as_ref())
}

/// Graphs, labels and their tables are made by AGE's functions: `edu db graph` does that.
fn of_graph(difference: &Difference, expected: &Catalog) -> bool {
    let id = &difference.id;
    match id.kind {
        Kind::Graph | Kind::Label => true,
        Kind::Table => {
            !matches!(difference.change, Change::Facet { .. })
                && expected.parts(Kind::Label, &id.name).next().is_some()
        }
        _ => false,
    }
}
