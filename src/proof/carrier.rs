//! How a row carries the tenant or the user: in a column, in a graph label's property, or in a row that
//! it refers to.

use std::collections::BTreeSet;

use super::decide::Formula;
use crate::posture::expr::{Expr, GIVEN};
use crate::posture::scene::Scene;
use crate::posture::{Oid, Relation};
use crate::spec::access::Carried;

/// Where in a row.
#[derive(Debug, Clone)]
pub(super) enum Carrier {
    /// In a column.
    Column {
        number: i32,
        not_null: bool,
        type_oid: Oid,
    },
    /// In a property of a graph's label.
    Property {
        number: i32,
        key: String,
        operators: BTreeSet<Oid>,
    },
}

/// What it means that the carrier equals the session's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// This atom.
    Atom(usize),
    /// It is the case for this row anyway.
    Always,
}

impl Held {
    pub(super) const fn formula(self) -> Formula {
        match self {
            Self::Atom(atom) => Formula::Atom(atom),
            Self::Always => Formula::Known(Some(true)),
        }
    }
}

/// The way from a row to what it carries.
#[derive(Debug, Clone)]
pub(super) struct Way {
    /// The foreign keys' columns that lead there; none when the row itself has it.
    pub(super) through: Vec<String>,
    /// The last column's name.
    pub(super) column: String,
    pub(super) carrier: Option<Carrier>,
    pub(super) held: Held,
}

impl Way {
    pub(super) fn new(relation: &Relation, through: &[String], column: &str, held: Held) -> Self {
        let carrier = through
            .is_empty()
            .then(|| in_column(relation, column))
            .flatten();
        Self {
            through: through.to_vec(),
            column: column.to_owned(),
            carrier,
            held,
        }
    }

    pub(super) fn declared(relation: &Relation, carried: &Carried, held: Held) -> Self {
        Self::new(relation, &carried.through, &carried.column, held)
    }

    /// The way on from the row that this row refers to by a foreign key's column.
    pub(super) fn on(&self, column: &str, target: &Relation) -> Option<Self> {
        let (first, rest) = self.through.split_first()?;
        (first == column).then(|| Self::new(target, rest, &self.column, self.held))
    }
}

fn in_column(relation: &Relation, name: &str) -> Option<Carrier> {
    let column = relation.column(name)?;
    Some(Carrier::Column {
        number: column.number,
        not_null: column.not_null,
        type_oid: column.type_oid,
    })
}

/// The way of a graph label's rows to their tenant.
pub(super) fn label(scene: &Scene<'_>, relation: &Relation, held: Held) -> Option<Way> {
    let column = relation.column("properties")?;
    Some(Way {
        through: Vec::new(),
        column: column.name.clone(),
        carrier: Some(Carrier::Property {
            number: column.number,
            key: scene.ontology?.tenant_property.clone(),
            operators: scene
                .posture
                .facts("operator")
                .filter(|fact| fact.subject == "ag_catalog" && fact.text.contains("->>("))
                .map(|fact| fact.oid)
                .collect(),
        }),
        held,
    })
}

/// The column of a row that an expression is.
pub(super) fn column_of(expr: &Expr) -> Option<(usize, i32)> {
    match expr {
        Expr::Column {
            number,
            from,
            outer: GIVEN,
        } => Some((usize::try_from(*from).ok()?, *number)),
        _ => None,
    }
}

/// Whether an expression is the carrier of this row, and whether it is never NULL then.
pub(super) fn carries(carrier: &Carrier, row: usize, expr: &Expr) -> Option<bool> {
    /// uuid, text, varchar, int4, int8: their text form tells them apart.
    const TOLD_APART: [Oid; 5] = [2950, 25, 1043, 23, 20];
    match (carrier, expr) {
        (
            Carrier::Column {
                number, not_null, ..
            },
            Expr::Column { .. },
        ) if column_of(expr) == Some((row, *number)) => Some(*not_null),
        (Carrier::Column { type_oid, .. }, Expr::Cast(_, inner))
            if TOLD_APART.contains(type_oid) =>
        {
            carries(carrier, row, inner)
        }
        (
            Carrier::Property {
                number,
                key,
                operators,
            },
            Expr::Operator(operator, sides),
        ) if operators.contains(operator) => {
            let [column, property] = sides.as_slice() else {
                return None;
            };
            let named = column_of(column) == Some((row, *number))
                && property.as_text().as_ref() == Some(key);
            named.then_some(false)
        }
        _ => None,
    }
}
