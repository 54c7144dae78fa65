//! `seeds/<profile>/*.toml`: rows that a database is to hold, with the place of every value.
//!
//! Columns are named as the catalog spells them. Which type a value becomes is the column's to say, so
//! a TOML array can end up in an array or in JSON. docs/seeds.md describes the format for its users.

use std::collections::BTreeMap;
use std::ops::Range;

use super::document::Document;
use crate::catalog::name::Name;
use crate::failure::{Excerpt, Failure, Result};

mod array;
mod graph;
mod offset;
mod read;
mod value;

pub use array::Array;
pub use graph::{End, Item, Vertex};
pub use value::{Computed, Reference, Value, forms};

/// The rows of one profile.
#[derive(Debug, Clone)]
pub struct Seed {
    /// The files, in the order they were given, which is the order they are written in.
    pub documents: Vec<Document>,
    /// The blocks of rows, in file order.
    pub tables: Vec<SeedTable>,
    /// Vertices in file order, then edges.
    pub items: Vec<Item>,
    /// The arrays that values are rows of, by path in the project.
    pub arrays: BTreeMap<String, Array>,
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

/// As whom rows are written, and in which context.
#[derive(Debug, Clone)]
pub struct Writer {
    /// The role.
    pub role: WriterRole,
    /// The tenant whose context it enters. The cell's column is `tenant`, its value a text or a reference.
    pub tenant: Option<Cell>,
    /// The user whose context it enters, for policies that ask for it.
    pub user: Option<Cell>,
}

/// Which of the project's roles writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriterRole {
    /// The owner, whom row-level security binds only where it is forced.
    Owner,
    /// The application role, whom the policies are written for.
    Application,
}

/// One row.
#[derive(Debug, Clone)]
pub struct Row {
    /// What other rows call it: its `"$name"`.
    pub name: Option<String>,
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

/// A row's place in a [`Seed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowId {
    /// The block, as an index into [`Seed::tables`].
    pub table: usize,
    /// The row, as an index into [`SeedTable::rows`].
    pub row: usize,
}

impl Seed {
    /// Reads the files of one profile.
    ///
    /// # Errors
    /// Exit 2 with file, line and column: an unknown key; a table that says neither who writes nor in whose
    /// context; a row without a key column; two rows of one table with the same key; two rows of one name; a
    /// reference to no row; a value that no column can hold.
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

    /// Reads the files that values are rows of, through `bytes`, each once.
    ///
    /// # Errors
    /// Exit 2 with the value's place: a file that cannot be read or has no such row.
    pub fn fetch(&mut self, bytes: impl Fn(&str) -> Result<Vec<u8>>) -> Result<()> {
        let mut arrays: BTreeMap<String, Array> = BTreeMap::new();
        for table in &self.tables {
            for cell in table.rows.iter().flat_map(|row| &row.values) {
                let Value::Computed(Computed::Row { path, row }) = &cell.value else {
                    continue;
                };
                let at =
                    |failure: Failure| failure.at(self.excerpt(table, cell.span.clone(), "here"));
                if !arrays.contains_key(path) {
                    let read = Array::read(path, &bytes(path).map_err(at)?)
                        .map_err(|error| at(Failure::usage(format!("\"{path}\" {error}"))))?;
                    arrays.insert(path.clone(), read);
                }
                let array = &arrays[path];
                if array.row(*row).is_none() {
                    return Err(at(Failure::usage(format!("\"{path}\" has no row {row}"))
                        .detail(format!("It has {}, counted from 0.", array.len()))));
                }
            }
        }
        self.arrays = arrays;
        Ok(())
    }

    /// How many rows, vertices and edges there are.
    pub fn row_count(&self) -> usize {
        let rows: usize = self.tables.iter().map(|table| table.rows.len()).sum();
        rows + self.items.len()
    }

    /// The row of that name.
    pub fn named(&self, name: &str) -> Option<RowId> {
        self.ids()
            .find(|id| self.row(*id).1.name.as_deref() == Some(name))
    }

    /// The rows in file order.
    pub fn ids(&self) -> impl Iterator<Item = RowId> {
        self.tables
            .iter()
            .enumerate()
            .flat_map(|(table, block)| (0..block.rows.len()).map(move |row| RowId { table, row }))
    }

    /// A row and its block. The id must be one of this seed's.
    pub fn row(&self, id: RowId) -> (&SeedTable, &Row) {
        let table = &self.tables[id.table];
        (table, &table.rows[id.row])
    }
}

impl Row {
    /// The value of a column, if the row gives one.
    pub fn cell(&self, column: &str) -> Option<&Cell> {
        self.values.iter().find(|cell| cell.column == column)
    }
}

impl Writer {
    /// The tenant and the user, as far as they are given.
    pub fn context(&self) -> impl Iterator<Item = &Cell> {
        [&self.tenant, &self.user].into_iter().flatten()
    }
}

#[cfg(test)]
mod tests;
