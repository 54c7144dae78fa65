//! `spec/vectors.toml`: the vector indexes, how they are built, and the recall they owe.
//!
//! Single identifiers are written as the catalog spells them; the table is a qualified name. pgvector's
//! limits are checked here, so that a build does not fail after an hour.

use std::ops::Range;

use serde::Deserialize;

use super::document::Document;
use crate::catalog::name::Name;
use crate::failure::Result;

mod read;

/// The content of `spec/vectors.toml`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct VectorSpec {
    /// What an index scan does when a filter leaves too few rows; `None` leaves the database as it is.
    pub iterative_scan: Option<IterativeScan>,
    /// The indexes in file order; each name once.
    pub indexes: Vec<VectorIndex>,
}

/// `hnsw.iterative_scan`. Source: pgvector 0.8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IterativeScan {
    /// Goes on, and keeps the exact order of distances.
    StrictOrder,
    /// Goes on; the order may be slightly off.
    RelaxedOrder,
    /// Stops after `ef_search` rows, before the filter.
    Off,
}

impl IterativeScan {
    /// The setting's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StrictOrder => "strict_order",
            Self::RelaxedOrder => "relaxed_order",
            Self::Off => "off",
        }
    }
}

/// One vector index.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorIndex {
    /// The index, in its table's schema.
    pub name: Name,
    /// The table.
    pub table: Name,
    /// What is indexed.
    pub target: Target,
    /// The method with its parameters; pgvector's defaults are filled in.
    pub method: Method,
    /// The operator class, which decides the distance.
    pub opclass: String,
    /// The WHERE of a partial index, as SQL.
    pub predicate: Option<String>,
    /// The least recall@10 against an exact search: above 0, at most 1.
    pub recall_floor: Option<f64>,
    /// The place of the name. Units: bytes.
    pub span: Range<usize>,
}

/// What a vector index is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A column, as the catalog spells it.
    Column(String),
    /// An SQL expression, without its outer parentheses.
    Expression(String),
}

/// How a vector index is built and searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// A graph of neighbours.
    Hnsw {
        /// Neighbours per node.
        m: u32,
        /// Candidates while building, at least 2·m.
        ef_construction: u32,
        /// Candidates while searching.
        ef_search: u32,
    },
    /// Lists around centres; to be built after the rows are there.
    Ivfflat {
        /// How many lists.
        lists: Lists,
        /// Lists looked at while searching.
        probes: u32,
    },
}

impl Method {
    /// The access method's name. Source: `pg_am.amname`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hnsw { .. } => "hnsw",
            Self::Ivfflat { .. } => "ivfflat",
        }
    }
}

/// The number of ivfflat's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lists {
    /// Chosen from the number of rows when the index is built.
    Auto,
    /// As many.
    Count(u32),
}

impl VectorSpec {
    /// Reads `spec/vectors.toml`.
    ///
    /// # Errors
    /// Exit 2 with file, line and column: an unknown key, a value beyond pgvector's limits, a parameter of
    /// the other method, both or neither of `column` and `expression`, a name given twice.
    pub fn read(document: &Document) -> Result<Self> {
        read::vectors(document)
    }
}

#[cfg(test)]
mod tests;
