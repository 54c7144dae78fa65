//! `[[vertex]]` and `[[edge]]`: what the graph is to hold.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::{Cell, Value, value};
use crate::failure::{Failure, Result};
use crate::spec::document::{Document, nearest};
use crate::spec::entries::Entries;

/// One vertex or edge.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its label.
    pub label: String,
    /// What edges call it; vertices only.
    pub name: Option<String>,
    /// An edge's start and end.
    pub ends: Option<(End, End)>,
    /// The properties that, beside label and ends, tell an edge apart from others.
    pub key: Vec<String>,
    /// The tenant whose context it is written in: a text or a reference.
    pub tenant: Option<Cell>,
    /// The user whose context it is written in.
    pub user: Option<Cell>,
    /// The properties in file order.
    pub properties: Vec<Cell>,
    /// The file, as an index into the seed's documents.
    pub file: usize,
    /// The place of the label. Units: bytes.
    pub span: Range<usize>,
}

/// One end of an edge.
#[derive(Debug, Clone)]
pub struct End {
    /// Which vertex.
    pub vertex: Vertex,
    /// The place. Units: bytes.
    pub span: Range<usize>,
}

/// Which vertex an edge's end is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Vertex {
    /// One of the files': an index into the seed's items.
    Named(usize),
    /// One that the database has, or the files give without a name.
    Stored {
        /// Its label.
        label: String,
        /// The value of the label's unique property.
        id: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VertexBlock {
    label: Spanned<String>,
    name: Option<Spanned<String>>,
    tenant: Option<Spanned<toml::Value>>,
    user: Option<Spanned<toml::Value>>,
    #[serde(default)]
    properties: Entries<toml::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EdgeBlock {
    label: Spanned<String>,
    from: Spanned<EndBlock>,
    to: Spanned<EndBlock>,
    #[serde(default)]
    key: Vec<String>,
    tenant: Option<Spanned<toml::Value>>,
    user: Option<Spanned<toml::Value>>,
    #[serde(default)]
    properties: Entries<toml::Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum EndBlock {
    Name(String),
    Stored { label: String, id: String },
}

/// Reads the blocks of one file. Ends by name are looked up when all files are read.
pub(super) struct Reader<'a> {
    pub documents: &'a [Document],
    pub items: Vec<Item>,
    edges: Vec<(usize, EdgeBlock)>,
}

impl<'a> Reader<'a> {
    /// A reader of these files.
    pub fn new(documents: &'a [Document]) -> Self {
        Self {
            documents,
            items: Vec::new(),
            edges: Vec::new(),
        }
    }

    /// Takes the blocks of the file at this index.
    pub fn take(
        &mut self,
        file: usize,
        vertices: Vec<VertexBlock>,
        edges: Vec<EdgeBlock>,
    ) -> Result<()> {
        let document = &self.documents[file];
        for block in vertices {
            let item = Item {
                label: block.label.get_ref().clone(),
                name: block.name.as_ref().map(|name| name.get_ref().clone()),
                ends: None,
                key: Vec::new(),
                tenant: super::read::context(document, "tenant", block.tenant.as_ref())?,
                user: super::read::context(document, "user", block.user.as_ref())?,
                properties: properties(document, block.properties)?,
                file,
                span: block.label.span(),
            };
            let again = item.name.is_some() && self.items.iter().any(|one| one.name == item.name);
            if let (true, Some(name)) = (again, &block.name) {
                let error = format!("two vertices are named \"{}\"", name.get_ref());
                return Err(document.failure(name.span(), error));
            }
            self.items.push(item);
        }
        self.edges
            .extend(edges.into_iter().map(|edge| (file, edge)));
        Ok(())
    }

    /// The vertices, then the edges with their ends found.
    pub fn finish(self) -> Result<Vec<Item>> {
        let mut items = self.items;
        let names: BTreeMap<String, usize> = items
            .iter()
            .enumerate()
            .filter_map(|(at, item)| Some((item.name.clone()?, at)))
            .collect();
        for (file, block) in self.edges {
            let document = &self.documents[file];
            let end = |end: Spanned<EndBlock>| -> Result<End> {
                let span = end.span();
                let vertex = match end.into_inner() {
                    EndBlock::Stored { label, id } => Vertex::Stored { label, id },
                    EndBlock::Name(name) => match names.get(&name) {
                        Some(at) => Vertex::Named(*at),
                        None => return Err(unknown(document, span, &name, &names)),
                    },
                };
                Ok(End { vertex, span })
            };
            let mut item = Item {
                label: block.label.get_ref().clone(),
                name: None,
                ends: Some((end(block.from)?, end(block.to)?)),
                key: block.key,
                tenant: super::read::context(document, "tenant", block.tenant.as_ref())?,
                user: super::read::context(document, "user", block.user.as_ref())?,
                properties: properties(document, block.properties)?,
                file,
                span: block.label.span(),
            };
            inherit(&mut item, &items);
            items.push(item);
        }
        Ok(items)
    }
}

/// An edge that names no tenant is written in that of the vertex it starts at.
fn inherit(edge: &mut Item, items: &[Item]) {
    if let Some((from, _)) = &edge.ends
        && let Vertex::Named(at) = from.vertex
    {
        edge.tenant = edge.tenant.take().or_else(|| items[at].tenant.clone());
        edge.user = edge.user.take().or_else(|| items[at].user.clone());
    }
}

fn unknown(
    document: &Document,
    span: Range<usize>,
    name: &str,
    names: &BTreeMap<String, usize>,
) -> Failure {
    let failure = document.failure(span, format!("no vertex is named \"{name}\""));
    match nearest(name, names.keys().map(String::as_str)) {
        Some(near) => failure.hint(format!("Did you mean \"{near}\"?")),
        None => failure.hint(format!(
            "Name a [[vertex]] so (name = \"{name}\"), or write {{ label = \"…\", id = \"…\" }}."
        )),
    }
}

fn properties(document: &Document, entries: Entries<toml::Value>) -> Result<Vec<Cell>> {
    entries
        .0
        .into_iter()
        .map(|(name, value)| {
            let span = value.span();
            let refused = |error: String| {
                document.failure(
                    span.clone(),
                    format!("property \"{}\" {error}", name.get_ref()),
                )
            };
            let value = value::cell(value.into_inner()).map_err(&refused)?;
            if !value.is_literal()
                && !matches!(value, Value::Computed(value::Computed::Reference(_)))
            {
                return Err(refused(
                    "is computed, and only { ref = … } is in the graph".to_owned(),
                ));
            }
            Ok(Cell {
                column: name.get_ref().clone(),
                value,
                span,
            })
        })
        .collect()
}
