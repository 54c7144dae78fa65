//! `seeds/<profile>/*.toml`: rows that a database is to hold, with the place of every value.
//!
//! Columns are named as the catalog spells them. Which type a value becomes is the column's to say, so
//! a TOML array can end up in an array or in JSON.

use std::ops::Range;

use super::document::Document;
use crate::catalog::name::Name;
use crate::failure::{Excerpt, Result};

mod read;

/// The rows of one profile.
#[derive(Debug, Clone)]
pub struct Seed {
    /// The files, in the order they were given, which is the order they are written in.
    pub documents: Vec<Document>,
    /// The blocks of rows, in file order.
    pub tables: Vec<SeedTable>,
}

/// One `[[table]]` block.
#[derive(Debug, Clone)]
pub struct SeedTable {
    /// The table.
    pub name: Name,
    /// As whom the rows are written.
    pub writer: Writer,
    /// The columns that identify a row; never empty.
    pub key: Vec<String>,
    /// The rows, at least one.
    pub rows: Vec<Row>,
    /// The file, as an index into [`Seed::documents`].
    pub file: usize,
    /// The place of the table's name. Units: bytes.
    pub span: Range<usize>,
}

/// As whom rows are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Writer {
    /// The owner, whom row-level security does not bind.
    Owner,
    /// The application role in a tenant's context.
    Tenant {
        /// The tenant's id.
        tenant: String,
        /// The user's id, for policies that ask for it.
        user: Option<String>,
    },
}

/// One row.
#[derive(Debug, Clone)]
pub struct Row {
    /// The given columns in file order; a column that is left out gets its default.
    pub values: Vec<Cell>,
    /// The row's place. Units: bytes.
    pub span: Range<usize>,
}

/// One value of a row.
#[derive(Debug, Clone)]
pub struct Cell {
    /// The column.
    pub column: String,
    /// What it is to hold.
    pub value: Value,
    /// The value's place. Units: bytes.
    pub span: Range<usize>,
}

/// A value. TOML has no NULL: a column that is to be NULL is left out.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A text, or anything PostgreSQL reads from one.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// A date, a time or both, as written.
    Time(String),
    /// A TOML table or array: JSON, or an SQL array if the column is one.
    Json(serde_json::Value),
}

impl Seed {
    /// Reads the files of one profile.
    ///
    /// # Errors
    /// Exit 2 with file, line and column: an unknown key; a table with neither `as` nor `tenant`, or both; a
    /// row without a key column; two rows of one table with the same key; a value that no column can hold.
    pub fn read(documents: &[Document]) -> Result<Self> {
        read::seed(documents)
    }

    /// Points at a place of a table's file. Units: bytes.
    pub fn excerpt(
        &self,
        table: &SeedTable,
        span: Range<usize>,
        label: impl Into<String>,
    ) -> Excerpt {
        match self.documents.get(table.file) {
            Some(document) => document.excerpt(span, label),
            None => Excerpt {
                path: table.name.to_string(),
                text: String::new(),
                span: 0..0,
                label: label.into(),
            },
        }
    }

    /// How many rows there are.
    pub fn row_count(&self) -> usize {
        self.tables.iter().map(|table| table.rows.len()).sum()
    }
}

#[cfg(test)]
mod tests;
