//! The statements about indexes.

use crate::catalog::name::{Name, quote_ident};
use crate::spec::vectors::{Method, Target, VectorIndex};

/// How an index is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// In one go; writers wait.
    Plain,
    /// Beside readers and writers.
    Concurrently,
    /// On a partitioned table alone; the partitions' indexes are attached later.
    ParentOnly,
}

/// What is indexed, ready for SQL.
pub fn target(index: &VectorIndex) -> String {
    match &index.target {
        Target::Column(column) => quote_ident(column),
        Target::Expression(expression) => format!("({expression})"),
    }
}

/// The statement that creates `index` under `name` on `table`.
pub fn create(
    index: &VectorIndex,
    name: &Name,
    table: &Name,
    lists: Option<u32>,
    manner: Manner,
) -> String {
    let target = target(index);
    let options = match index.method {
        Method::Hnsw {
            m, ef_construction, ..
        } => format!("m = {m}, ef_construction = {ef_construction}"),
        Method::Ivfflat { .. } => format!("lists = {}", lists.unwrap_or(100)),
    };
    let predicate = index
        .predicate
        .as_ref()
        .map_or(String::new(), |p| format!(" WHERE {p}"));
    let (concurrently, only) = match manner {
        Manner::Plain => ("", ""),
        Manner::Concurrently => ("CONCURRENTLY ", ""),
        Manner::ParentOnly => ("", "ONLY "),
    };
    format!(
        "CREATE INDEX {concurrently}{} ON {only}{table} USING {} ({target} {}) WITH ({options}){predicate}",
        quote_ident(&name.name),
        index.method.as_str(),
        quote_ident(&index.opclass),
    )
}
