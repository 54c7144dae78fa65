//! What the generator has to know of a database's tables, as `pg` reads it.

use serde::Deserialize;

use crate::catalog::name::Name;

/// One table.
#[derive(Debug, Clone, Deserialize)]
pub struct Table {
    /// Its name.
    pub name: Name,
    /// Row security binds its owner, too.
    pub forced: bool,
    /// The columns in the catalog's order.
    pub columns: Vec<Column>,
    /// The column lists of primary key, unique constraints and unique indexes.
    pub keys: Vec<Vec<String>>,
    /// The foreign keys.
    pub foreign: Vec<Foreign>,
    /// The CHECK constraints as the server writes them, those of the columns' domains among them.
    pub checks: Vec<Check>,
}

/// One column.
#[derive(Debug, Clone, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// The type's name; of a domain, that of the type below; of an array, that of its elements.
    pub base: String,
    /// The oid of that type.
    pub oid: u32,
    /// It is an array of `base`.
    pub array: bool,
    /// `atttypmod`; of a domain, that of the domain.
    pub modifier: i32,
    /// It takes no NULL.
    pub required: bool,
    /// It has a default or is an identity.
    pub default: bool,
    /// The server computes it.
    pub generated: bool,
    /// The sequence that its default or identity takes numbers from.
    pub sequence: Option<String>,
    /// The labels of an enum.
    pub labels: Vec<String>,
}

/// One foreign key.
#[derive(Debug, Clone, Deserialize)]
pub struct Foreign {
    /// The columns.
    pub columns: Vec<String>,
    /// The table it refers to.
    pub to: Name,
    /// The columns it refers to, in the same order.
    pub to_columns: Vec<String>,
}

/// One CHECK.
#[derive(Debug, Clone, Deserialize)]
pub struct Check {
    /// The columns it reads.
    pub columns: Vec<String>,
    /// Its text.
    pub text: String,
}

impl Table {
    /// The place of a column.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}
