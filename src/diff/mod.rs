//! Expected catalog × actual catalog → differences. Exact: every facet of every object is compared,
//! and what differs is told once, at the object that differs.
//!
//! A part of an object that is missing or unexpected as a whole is not told again: a dropped table is
//! one difference, not one for each of its columns.

pub mod accept;
mod consequence;
pub mod difference;
pub mod forgive;
mod judge;
mod moved;
mod rename;

use std::collections::BTreeSet;

use crate::catalog::facet::is_aid;
use crate::catalog::{Catalog, Facets, Id, Kind, Value};

pub use difference::{Change, Difference, Severity};

/// The differences between what is wanted and what is found.
///
/// # Shape
/// By severity (widened access first), then by object and facet; each object and facet once.
pub fn compare(expected: &Catalog, actual: &Catalog) -> Vec<Difference> {
    let mut differences = Vec::new();
    for (id, wanted) in &expected.objects {
        match actual.objects.get(id) {
            Some(found) => facets(id, wanted, found, &mut differences),
            None if goes_with(id, wanted, expected, actual) => {}
            None if unseen(id, actual) => {}
            None => differences.push(judge::missing(id, wanted)),
        }
    }
    for (id, found) in &actual.objects {
        let known = expected.objects.contains_key(id);
        if !known && !goes_with(id, found, actual, expected) && !unseen(id, expected) {
            differences.push(judge::unexpected(id, found, actual));
        }
    }
    moved::fold(&mut differences, expected, actual);
    rename::hint(&mut differences, expected, actual);
    differences.sort_by(|a, b| {
        let key = |d: &Difference| (d.severity, d.id.group().to_owned(), d.id.clone(), d.facet());
        key(a).cmp(&key(b))
    });
    differences
}

/// Whether the part `id` of an object of `here` is absent from `there` because the whole object is.
fn goes_with(id: &Id, facets: &Facets, here: &Catalog, there: &Catalog) -> bool {
    let holder = match id.kind {
        Kind::Sequence => facets
            .text("owned_by")
            .rsplit_once('.')
            .map(|(table, _)| table.to_owned()),
        Kind::DefaultPrivileges => None,
        kind if kind.is_part() => Some(id.on.to_string()),
        _ => None,
    };
    let Some(holder) = holder else { return false };
    let kinds: &[Kind] = match id.kind {
        Kind::Membership => &[Kind::Role],
        Kind::UserMapping => &[Kind::ForeignServer],
        Kind::Setting => &[],
        _ => &[Kind::Table, Kind::View, Kind::MaterializedView],
    };
    kinds.iter().any(|kind| {
        let holder = Id::new(*kind, "", holder.as_str());
        here.objects.contains_key(&holder) && !there.objects.contains_key(&holder)
    }) || serves_gone_column(id, facets, here, there)
}

/// Whether the sequence of a column is absent because the column is.
fn serves_gone_column(id: &Id, facets: &Facets, here: &Catalog, there: &Catalog) -> bool {
    let Some((table, column)) = facets.text("owned_by").rsplit_once('.') else {
        return false;
    };
    let column = Id::new(Kind::Column, table, column);
    id.kind == Kind::Sequence
        && here.objects.contains_key(&column)
        && !there.objects.contains_key(&column)
}

/// Whether the role that read `catalog` could not have seen an object of this kind.
fn unseen(id: &Id, catalog: &Catalog) -> bool {
    matches!(id.kind, Kind::Graph | Kind::Label)
        && catalog.unseen.iter().any(|text| text.starts_with("graphs"))
}

fn facets(id: &Id, wanted: &Facets, found: &Facets, differences: &mut Vec<Difference>) {
    if wanted == found {
        return;
    }
    let names: BTreeSet<&'static str> = wanted
        .iter()
        .chain(found.iter())
        .map(|(name, _)| name)
        .filter(|name| !is_aid(name))
        .collect();
    for facet in names {
        let (expected, actual) = (wanted.get(facet), found.get(facet));
        if expected == actual || same_order(facet, expected, actual) {
            continue;
        }
        // Only what one list has and the other lacks is told, so an absent list is an empty one.
        let empty = Value::List(Box::new([]));
        let is_list = |value: Option<&Value>| matches!(value, Some(Value::List(_)));
        let fill = |value: Option<&Value>, other: Option<&Value>| match value {
            None if is_list(other) => Some(empty.clone()),
            value => value.cloned(),
        };
        let change = Change::Facet {
            facet,
            expected: fill(expected, actual),
            actual: fill(actual, expected),
        };
        differences.push(judge::facet(id, change, wanted, found));
    }
}

/// Whether the columns that both have stand in the same order. A column that only one has is a
/// difference of its own.
fn same_order(facet: &str, expected: Option<&Value>, actual: Option<&Value>) -> bool {
    let (Some(Value::List(expected)), Some(Value::List(actual))) = (expected, actual) else {
        return facet == "columns";
    };
    facet == "columns"
        && expected
            .iter()
            .filter(|column| actual.contains(column))
            .eq(actual.iter().filter(|column| expected.contains(column)))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
