//! A table that was attached to a parent or detached from it takes the parent's columns, constraints
//! and indexes as its own, or gives them up. That is one change, told at the table.

use std::collections::BTreeSet;

use super::{Change, Difference};
use crate::catalog::{Catalog, Id, Kind};

/// Takes out what follows from another parent.
pub(super) fn fold(differences: &mut Vec<Difference>, expected: &Catalog, actual: &Catalog) {
    let moved: BTreeSet<Box<str>> = differences
        .iter()
        .filter(|d| d.id.kind == Kind::Table && matches!(d.facet(), "inherits" | "partition_of"))
        .map(|d| d.id.name.clone())
        .collect();
    if moved.is_empty() {
        return;
    }
    differences.retain(|difference| {
        let id = &difference.id;
        if !moved.contains(&id.on) {
            return true;
        }
        match (&difference.change, id.kind) {
            (Change::Facet { facet, .. }, Kind::Column) => *facet != "inherited",
            (Change::Unexpected, Kind::Constraint | Kind::Index) => !of_parent(id, actual),
            (Change::Missing, Kind::Constraint | Kind::Index) => !of_parent(id, expected),
            _ => true,
        }
    });
}

/// Whether another table has the same constraint, or an index of the same definition.
fn of_parent(id: &Id, catalog: &Catalog) -> bool {
    let Some(own) = catalog.facet(id, "definition") else {
        return false;
    };
    catalog.of(id.kind).any(|(other, facets)| {
        other.on != id.on
            && facets.get("definition") == Some(own)
            && (id.kind == Kind::Index || other.name == id.name)
    })
}
