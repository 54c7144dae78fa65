//! A row: whose it is, and its values by column.

use super::shape::ColumnShape;
use crate::catalog::name::quote_ident;
use crate::posture::Relation;

/// Whose row it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// The user who attempts.
    A1,
    /// Another user of the same tenant.
    A2,
    /// A user of the other tenant.
    B1,
}

impl Who {
    /// The tenant's letter.
    pub const fn tenant(self) -> &'static str {
        match self {
            Self::A1 | Self::A2 => "A",
            Self::B1 => "B",
        }
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::A1 => "a1",
            Self::A2 => "a2",
            Self::B1 => "b1",
        }
    }
}

/// Values by column.
pub type Row = Vec<(String, String)>;

/// Whether a default of this type may differ between two runs: numbers, ids, clocks.
pub(super) fn varying(column: &ColumnShape) -> bool {
    matches!(
        column.base.as_str(),
        "int2" | "int4" | "int8" | "uuid" | "timestamp" | "timestamptz"
    )
}

/// INSERT of a row.
pub fn insert(relation: &Relation, row: &Row) -> String {
    let columns: Vec<String> = row.iter().map(|(column, _)| quote_ident(column)).collect();
    let values: Vec<&str> = row.iter().map(|(_, value)| value.as_str()).collect();
    match columns.is_empty() {
        true => format!("INSERT INTO {} DEFAULT VALUES", relation.full_name()),
        false => format!(
            "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})",
            relation.full_name(),
            columns.join(", "),
            values.join(", ")
        ),
    }
}
