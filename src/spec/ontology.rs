//! `graph/ontology.toml`: what a graph may hold, and which indexes serve it.
//!
//! Labels, properties and index names are written as the catalog spells them. No SQL is made here:
//! [`Ontology::labels`] and [`Ontology::indexes`] say what is wanted, `pg::graph` renders it.

use std::ops::Range;

use super::document::Document;
use crate::catalog::name::{ColumnName, Name};
use crate::failure::{Excerpt, Result};

mod index;
mod name;
mod property;
mod read;

pub(crate) use name::fitted;

/// The content of `graph/ontology.toml`.
#[derive(Debug, Clone)]
pub struct Ontology {
    /// The file.
    pub document: Document,
    /// The graph's name, which is also its namespace.
    pub graph: String,
    /// How tenants are kept apart.
    pub isolation: Isolation,
    /// AGE's operators are to be marked LEAKPROOF, so that they are index conditions under row security.
    /// It takes a superuser, trusts AGE's error messages with foreign values, and is lost by a restore.
    pub leakproof: bool,
    /// The application keeps Cypher's DELETE where AGE asks no policy about it (before 1.7).
    pub cypher_delete: bool,
    /// The property that carries the tenant; every label declares it.
    pub tenant_property: String,
    /// The labels in file order; vertices and edges share one namespace.
    pub labels: Vec<Label>,
    /// Table columns that hold the id of a vertex, which no foreign key can say.
    pub links: Vec<Link>,
}

/// How tenants are kept apart in a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// By the database: policies on every label and both parents, and a guard on writes.
    Enforced,
    /// By the tenant property in each query alone.
    Property,
}

/// What a label is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LabelKind {
    /// Vertices. Source: `ag_label.kind = 'v'`.
    Vertex,
    /// Edges. Source: `ag_label.kind = 'e'`.
    Edge,
}

/// One label.
#[derive(Debug, Clone)]
pub struct Label {
    /// The name, as the catalog spells it.
    pub name: String,
    /// Vertex or edge.
    pub kind: LabelKind,
    /// Properties beyond the declared ones are unrestricted.
    pub free: bool,
    /// The declared properties in file order.
    pub properties: Vec<Property>,
    /// An edge's allowed start labels; empty: any.
    pub from: Vec<String>,
    /// An edge's allowed end labels; empty: any.
    pub to: Vec<String>,
    /// The indexes the file lists, in its order.
    pub listed: Vec<GraphIndex>,
    /// The place of the name. Units: bytes.
    pub span: Range<usize>,
}

impl Label {
    /// The declared property of that name.
    pub fn property(&self, name: &str) -> Option<&Property> {
        self.properties
            .iter()
            .find(|property| property.name == name)
    }
}

/// What one property may hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Property {
    /// The name.
    pub name: String,
    /// The type.
    pub kind: PropertyKind,
    /// It may not be missing.
    pub required: bool,
    /// What a new vertex or edge gets when it is missing.
    pub default: Option<serde_json::Value>,
    /// The allowed texts; empty: any.
    pub one_of: Vec<String>,
    /// The least number.
    pub min: Option<f64>,
    /// The greatest number.
    pub max: Option<f64>,
    /// The least number of characters of a text, or of elements of an array.
    pub min_length: Option<u32>,
    /// The table column that holds the same value; looked up, not enforced by the database.
    pub references: Option<ColumnName>,
    /// The place of the name. Units: bytes.
    pub span: Range<usize>,
}

/// The type of a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scalar {
    /// A UUID in its text form.
    Uuid,
    /// A text.
    String,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// A truth value.
    Bool,
    /// An absolute URL.
    Url,
    /// A date and time in RFC 3339.
    Datetime,
}

/// The type of a property, arrays included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PropertyKind {
    /// One value.
    One(Scalar),
    /// An array of values.
    Array(Scalar),
}

/// A table column that holds the id of a vertex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The column.
    pub column: ColumnName,
    /// The vertex label.
    pub vertex: String,
    /// The vertex's property.
    pub property: String,
    /// The place of the column. Units: bytes.
    pub span: Range<usize>,
}

/// One wanted index of a label table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphIndex {
    /// The label.
    pub label: String,
    /// What it is on.
    pub kind: IndexKind,
    /// The properties it is on, in order; empty for an index on graph ids. For [`IndexKind::Match`] they
    /// say which properties the patterns use: the index is on the whole map.
    pub properties: Vec<String>,
    /// No two rows may agree.
    pub unique: bool,
    /// The name, as the catalog spells it; unique within the graph.
    pub name: String,
    /// The file does not list it; the graph needs it all the same.
    pub implied: bool,
}

/// What an index of a label table is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum IndexKind {
    /// The primary key on a vertex's graph id, which AGE makes since 1.6 only.
    PrimaryKey,
    /// A btree on an edge's `start_id`.
    Start,
    /// A btree on an edge's `end_id`.
    End,
    /// A btree on `properties ->> 'p'`: serves policies and plain SQL.
    Sql,
    /// A btree on Cypher's access to p: serves `WHERE v.p = …`.
    Where,
    /// A GIN on the whole property map: serves patterns `{p: …}`.
    Match,
    /// A GIN on `properties -> 'p'`: serves containment in one property.
    Contains,
}

impl Ontology {
    /// Reads `graph/ontology.toml`.
    ///
    /// # Errors
    /// Exit 2 with file, line and column: an unknown key, a name AGE refuses, a label given twice, an end
    /// label or property that is not declared, a value that does not fit its type, an index name given
    /// twice, and a label without its required tenant property.
    pub fn read(document: &Document) -> Result<Self> {
        let ontology = read::ontology(document)?;
        ontology.refuse_repeated_index_names()?;
        Ok(ontology)
    }

    /// The label of that name.
    pub fn label(&self, name: &str) -> Option<&Label> {
        self.labels.iter().find(|label| label.name == name)
    }

    /// The qualified table of a label.
    ///
    /// # Errors
    /// As [`Name::new`].
    pub fn table(&self, label: &Label) -> Result<Name> {
        Name::new(self.graph.clone(), label.name.clone())
    }

    /// Every wanted index: per label first those that every graph needs, then the listed ones in file
    /// order. With [`Isolation::Enforced`] a label without a listed `sql` index led by the tenant property
    /// gets one, because the policy reads it.
    pub fn indexes(&self) -> Vec<GraphIndex> {
        self.labels
            .iter()
            .flat_map(|label| self.label_indexes(label))
            .collect()
    }

    fn label_indexes(&self, label: &Label) -> Vec<GraphIndex> {
        let implied = |kind, name: String, properties: Vec<String>| GraphIndex {
            label: label.name.clone(),
            kind,
            properties,
            unique: kind == IndexKind::PrimaryKey,
            name: name::fitted(name),
            implied: true,
        };
        let name = &label.name;
        let mut indexes = match label.kind {
            LabelKind::Vertex => vec![implied(
                IndexKind::PrimaryKey,
                format!("{name}_pkey"),
                Vec::new(),
            )],
            LabelKind::Edge => vec![
                implied(IndexKind::Start, format!("{name}_start_id_idx"), Vec::new()),
                implied(IndexKind::End, format!("{name}_end_id_idx"), Vec::new()),
            ],
        };
        let by_tenant = label.listed.iter().any(|index| {
            index.kind == IndexKind::Sql && index.properties.first() == Some(&self.tenant_property)
        });
        if self.isolation == Isolation::Enforced && !by_tenant {
            let name = format!("ix_{}_tenant", name.to_lowercase());
            indexes.push(implied(
                IndexKind::Sql,
                name,
                vec![self.tenant_property.clone()],
            ));
        }
        indexes.extend(label.listed.iter().cloned());
        indexes
    }

    /// Points at a place of the file. Units: bytes.
    pub fn excerpt(&self, span: Range<usize>, label: impl Into<String>) -> Excerpt {
        self.document.excerpt(span, label)
    }

    fn refuse_repeated_index_names(&self) -> Result<()> {
        let mut seen = std::collections::BTreeMap::new();
        for index in self.indexes() {
            let Some(other) = seen.insert(index.name.clone(), index.label.clone()) else {
                continue;
            };
            let at = self
                .label(&index.label)
                .map_or(0..0, |label| label.span.clone());
            return Err(self
                .document
                .failure(at, format!("index name \"{}\" was given twice", index.name))
                .detail(format!("Labels \"{other}\" and \"{}\" both have it; index names are unique in a graph.", index.label))
                .hint("Give one of the two indexes another name."));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
