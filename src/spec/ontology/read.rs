//! From the text of `graph/ontology.toml` to its value, with every check that needs the text.

use serde::Deserialize;
use toml::Spanned;

use super::index::{IndexEntry, listed};
use super::name::{name_problem, named};
use super::property::{PropertyEntry, property};
use super::{IndexKind, Isolation, Label, LabelKind, Link, Ontology};
use crate::catalog::name::ColumnName;
use crate::failure::Result;
use crate::spec::document::Document;
use crate::spec::entries::Entries;

/// What AGE itself calls the parents of all labels.
const PARENTS: [&str; 2] = ["_ag_label_vertex", "_ag_label_edge"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    graph: Spanned<String>,
    isolation: Isolation,
    #[serde(default)]
    leakproof: bool,
    #[serde(default)]
    cypher_delete: bool,
    tenant_property: Spanned<String>,
    #[serde(default)]
    vertex: Entries<Vertex>,
    #[serde(default)]
    edge: Entries<Edge>,
    #[serde(default)]
    link: Vec<LinkEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vertex {
    #[serde(default)]
    free: bool,
    #[serde(default)]
    index: Vec<Spanned<IndexEntry>>,
    #[serde(default)]
    properties: Entries<PropertyEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edge {
    #[serde(default)]
    free: bool,
    #[serde(default)]
    from: Vec<Spanned<String>>,
    #[serde(default)]
    to: Vec<Spanned<String>>,
    #[serde(default)]
    index: Vec<Spanned<IndexEntry>>,
    #[serde(default)]
    properties: Entries<PropertyEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkEntry {
    column: Spanned<ColumnName>,
    vertex: Spanned<String>,
    property: Spanned<String>,
}

pub(super) fn ontology(document: &Document) -> Result<Ontology> {
    let file: File = document.parse()?;
    let graph = file.graph.get_ref().clone();
    if let Some(problem) = name_problem(&graph, 3, &['-', '.']) {
        return Err(named(
            document,
            file.graph.span(),
            "graph",
            &graph,
            &problem,
        ));
    }
    let tenant_property = file.tenant_property.get_ref().clone();
    if let Some(problem) = name_problem(&tenant_property, 1, &[]) {
        return Err(named(
            document,
            file.tenant_property.span(),
            "property",
            &tenant_property,
            &problem,
        ));
    }
    let mut labels = Vec::new();
    for (name, vertex) in &file.vertex.0 {
        let vertex = vertex.get_ref();
        let ends = (&[][..], &[][..]);
        labels.push(label(
            document,
            LabelKind::Vertex,
            name,
            vertex.free,
            &vertex.properties,
            &vertex.index,
            ends,
        )?);
    }
    for (name, edge) in &file.edge.0 {
        let edge = edge.get_ref();
        let ends = (&edge.from[..], &edge.to[..]);
        labels.push(label(
            document,
            LabelKind::Edge,
            name,
            edge.free,
            &edge.properties,
            &edge.index,
            ends,
        )?);
    }
    labels.sort_by_key(|label| label.span.start);
    let ontology = Ontology {
        document: document.clone(),
        graph,
        isolation: file.isolation,
        leakproof: file.leakproof,
        cypher_delete: file.cypher_delete,
        tenant_property,
        labels,
        links: Vec::new(),
    };
    check_labels(&ontology, &file)?;
    let links = file
        .link
        .iter()
        .map(|entry| link(&ontology, entry))
        .collect::<Result<_>>()?;
    Ok(Ontology { links, ..ontology })
}

fn label(
    document: &Document,
    kind: LabelKind,
    name: &Spanned<String>,
    free: bool,
    properties: &Entries<PropertyEntry>,
    index: &[Spanned<IndexEntry>],
    (from, to): (&[Spanned<String>], &[Spanned<String>]),
) -> Result<Label> {
    let span = name.span();
    let name = name.get_ref().clone();
    if PARENTS.contains(&name.as_str()) {
        return Err(named(document, span, "label", &name, "is AGE's own"));
    }
    if let Some(problem) = name_problem(&name, 1, &[]) {
        return Err(named(document, span, "label", &name, &problem));
    }
    let plain = |ends: &[Spanned<String>]| ends.iter().map(|end| end.get_ref().clone()).collect();
    let mut label = Label {
        properties: properties
            .0
            .iter()
            .map(|(name, entry)| property(document, name, entry.get_ref()))
            .collect::<Result<_>>()?,
        name,
        kind,
        free,
        from: plain(from),
        to: plain(to),
        listed: Vec::new(),
        span,
    };
    for entry in index {
        let index = listed(document, &label, entry)?;
        if index.kind == IndexKind::Match
            && label
                .listed
                .iter()
                .any(|other| other.kind == IndexKind::Match)
        {
            return Err(document
                .failure(
                    entry.span(),
                    format!("label \"{}\" has two `match` indexes", label.name),
                )
                .detail("Such an index is on the whole property map: one serves every pattern."));
        }
        label.listed.push(index);
    }
    Ok(label)
}

fn check_labels(ontology: &Ontology, file: &File) -> Result<()> {
    let document = &ontology.document;
    for (at, label) in ontology.labels.iter().enumerate() {
        if let Some(other) = ontology.labels[..at]
            .iter()
            .find(|other| other.name == label.name)
        {
            let line = document.excerpt(other.span.clone(), "").position().0;
            return Err(named(
                document,
                label.span.clone(),
                "label",
                &label.name,
                "is a vertex and an edge",
            )
            .detail(format!(
                "The first is in line {line}; AGE has one namespace for both."
            )));
        }
        let tenant = &ontology.tenant_property;
        if !label
            .property(tenant)
            .is_some_and(|property| property.required)
        {
            let problem = format!("does not require its tenant property \"{tenant}\"");
            return Err(named(document, label.span.clone(), "label", &label.name, &problem)
                .detail("Every vertex and every edge belongs to a tenant, those of a free label too.")
                .hint(format!("Add to its properties: {tenant} = {{ type = \"uuid\", required = true }}")));
        }
    }
    let ends = file
        .edge
        .0
        .iter()
        .flat_map(|(_, edge)| edge.get_ref().from.iter().chain(&edge.get_ref().to));
    for end in ends {
        vertex(ontology, end)?;
    }
    Ok(())
}

fn vertex<'a>(ontology: &'a Ontology, name: &Spanned<String>) -> Result<&'a Label> {
    let vertices = || {
        ontology
            .labels
            .iter()
            .filter(|label| label.kind == LabelKind::Vertex)
    };
    vertices()
        .find(|label| label.name == *name.get_ref())
        .ok_or_else(|| {
            let failure = named(
                &ontology.document,
                name.span(),
                "vertex label",
                name.get_ref(),
                "is not declared",
            );
            match crate::spec::document::nearest(
                name.get_ref(),
                vertices().map(|label| label.name.as_str()),
            ) {
                Some(near) => failure.hint(format!("Did you mean `{near}`?")),
                None => failure,
            }
        })
}

fn link(ontology: &Ontology, entry: &LinkEntry) -> Result<Link> {
    let label = vertex(ontology, &entry.vertex)?;
    let property = entry.property.get_ref();
    if !label.free && label.property(property).is_none() {
        let problem = format!("is not declared for \"{}\"", label.name);
        return Err(named(
            &ontology.document,
            entry.property.span(),
            "property",
            property,
            &problem,
        ));
    }
    Ok(Link {
        column: entry.column.get_ref().clone(),
        vertex: label.name.clone(),
        property: property.clone(),
        span: entry.column.span(),
    })
}
