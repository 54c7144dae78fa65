//! `graph/fixtures/*.toml`: a few vertices and edges, and what the declared queries return over them.

use serde::Deserialize;
use serde_json::{Map, Value};
use toml::Spanned;

use super::document::Document;
use super::ontology::{LabelKind, Ontology};
use super::query::Query;
use crate::failure::Result;

/// One fixture.
#[derive(Debug, Clone)]
pub struct Fixture {
    /// The file.
    pub document: Document,
    /// The vertices, in order.
    pub vertices: Vec<Vertex>,
    /// The edges, in order.
    pub edges: Vec<Edge>,
    /// The calls, in order.
    pub calls: Vec<Call>,
}

/// A vertex.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vertex {
    /// Its label.
    pub label: Spanned<String>,
    /// Its properties; the tenant's among them.
    pub properties: Map<String, Value>,
}

/// An edge.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edge {
    /// Its label.
    pub label: Spanned<String>,
    /// The place of its start among the vertices. Units: counts from 0.
    pub from: usize,
    /// The place of its end among the vertices. Units: counts from 0.
    pub to: usize,
    /// Its properties; the tenant's among them.
    pub properties: Map<String, Value>,
}

/// A call of a query.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The declared query's name.
    pub query: Spanned<String>,
    /// Whose context it runs in.
    pub tenant: String,
    /// The user's context, if it needs one.
    pub user: Option<String>,
    /// Values by parameter.
    #[serde(default)]
    pub params: Map<String, Value>,
    /// The rows that come back, in order.
    pub rows: Vec<Vec<Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    vertex: Vec<Vertex>,
    #[serde(default)]
    edge: Vec<Edge>,
    #[serde(default)]
    call: Vec<Call>,
}

impl Fixture {
    /// Reads a fixture and checks it against the ontology and the queries.
    ///
    /// # Errors
    /// Exit 2 with the place: a label or query that is not declared, properties that their schema
    /// refuses, an end that is no vertex of the file.
    pub fn read(document: &Document, ontology: &Ontology, queries: &[Query]) -> Result<Self> {
        let file: File = document.parse()?;
        let check = |kind: LabelKind, label: &Spanned<String>, properties: &Map<String, Value>| {
            let found = ontology
                .label(label.get_ref())
                .filter(|found| found.kind == kind);
            let Some(found) = found else {
                return Err(document.failure(
                    label.span(),
                    format!("label \"{}\" is not in the ontology", label.get_ref()),
                ));
            };
            match found.refusal(properties) {
                None => Ok(()),
                Some((property, reason)) => {
                    Err(document.failure(label.span(), format!("property \"{property}\" {reason}")))
                }
            }
        };
        for vertex in &file.vertex {
            check(LabelKind::Vertex, &vertex.label, &vertex.properties)?;
        }
        for edge in &file.edge {
            check(LabelKind::Edge, &edge.label, &edge.properties)?;
            if edge.from.max(edge.to) >= file.vertex.len() {
                return Err(document.failure(
                    edge.label.span(),
                    "the edge names a vertex that the file does not have",
                ));
            }
        }
        for call in &file.call {
            if queries
                .iter()
                .all(|query| query.name != *call.query.get_ref())
            {
                let name = call.query.get_ref();
                return Err(document.failure(
                    call.query.span(),
                    format!("query \"{name}\" is not declared"),
                ));
            }
        }
        Ok(Self {
            document: document.clone(),
            vertices: file.vertex,
            edges: file.edge,
            calls: file.call,
        })
    }
}
