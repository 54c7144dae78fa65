//! What a row of a table needs.

use serde::Deserialize;

use crate::posture::Oid;

/// A table's columns and checks.
#[derive(Debug, Clone, Deserialize)]
pub struct Shape {
    /// The table.
    pub oid: Oid,
    /// Its columns by number.
    pub columns: Vec<ColumnShape>,
    /// Its CHECK constraints as SQL.
    pub checks: Vec<String>,
    /// The primary key's columns; none when there is no key.
    pub key: Vec<i32>,
    /// The bounds of its partitions.
    pub bounds: Vec<String>,
}

/// What a value of a column needs.
#[derive(Debug, Clone, Deserialize)]
#[expect(missing_docs, reason = "the query says what each means")]
pub struct ColumnShape {
    pub number: i32,
    pub name: String,
    #[serde(rename = "type")]
    pub data_type: String,
    pub base: String,
    pub category: String,
    pub length: i32,
    pub labels: Vec<String>,
    pub not_null: bool,
    pub automatic: bool,
    pub generated: bool,
    pub keyed: bool,
    pub checks: Vec<String>,
}

impl Shape {
    /// The column of that number.
    pub fn column(&self, number: i32) -> Option<&ColumnShape> {
        self.columns.iter().find(|column| column.number == number)
    }

    /// The column of that name.
    pub fn named(&self, name: &str) -> Option<&ColumnShape> {
        self.columns.iter().find(|column| column.name == name)
    }
}
