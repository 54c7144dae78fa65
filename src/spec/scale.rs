//! `seeds/scale.toml`: what the generator of large databases cannot read from the catalog.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::document::Document;
use crate::catalog::name::{ColumnName, Name};
use crate::failure::Result;

/// The content of `seeds/scale.toml`. All of it may be left out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scale {
    /// The languages of texts.
    pub languages: Vec<String>,
    /// The table whose rows are the tenants; default: that of spec/access.toml.
    pub root: Option<Name>,
    /// How many parts of the rows a table gets; 0 leaves it empty. Default: more the further it is from the root.
    pub weight: BTreeMap<Name, u32>,
    /// How many vertices a graph gets; 0 leaves it alone. Default: one for every 20 rows.
    pub vertices: Option<u64>,
    /// How columns are filled that their name and type say too little about.
    pub column: BTreeMap<ColumnName, Filling>,
}

impl Default for Scale {
    fn default() -> Self {
        Self {
            languages: vec!["en".to_owned(), "he".to_owned()],
            root: None,
            weight: BTreeMap::new(),
            vertices: None,
            column: BTreeMap::new(),
        }
    }
}

/// How a column is filled.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Filling {
    /// Always this text, which PostgreSQL reads as JSON where the column is JSON.
    Text(String),
    /// One of these.
    OneOf(Vec<String>),
    /// A whole number between these, both included.
    Between([i64; 2]),
    /// The place of the row among those of its parent, from 0: an ordered chain.
    Chain(Chain),
    /// NULL.
    Null(bool),
}

/// Which parent a chain belongs to.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chain {
    /// The foreign key's column.
    pub of: String,
}

impl Scale {
    /// Reads the file.
    ///
    /// # Errors
    /// Exit 2 with the place.
    pub fn read(document: &Document) -> Result<Self> {
        document.parse()
    }
}
