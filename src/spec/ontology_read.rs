//! From the text of `graph/ontology.toml` to its value, with every check that needs the text.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::{
    GraphIndex, IndexKind, Isolation, Label, LabelKind, Link, Ontology, Property, PropertyKind,
    Scalar, default_name, name_problem, named,
};
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
struct IndexEntry {
    name: Option<Spanned<String>>,
    sql: Option<Vec<String>>,
    #[serde(rename = "where")]
    access: Option<Vec<String>>,
    #[serde(rename = "match")]
    pattern: Option<Vec<String>>,
    contains: Option<Vec<String>>,
    #[serde(default)]
    unique: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PropertyEntry {
    #[serde(rename = "type")]
    kind: Spanned<TypeName>,
    #[serde(default)]
    required: bool,
    default: Option<Spanned<toml::Value>>,
    #[serde(rename = "enum")]
    one_of: Option<Spanned<Vec<String>>>,
    min: Option<Spanned<f64>>,
    max: Option<Spanned<f64>>,
    min_length: Option<Spanned<u32>>,
    of: Option<Spanned<Scalar>>,
    references: Option<ColumnName>,
}

/// The words of `type`.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum TypeName {
    Uuid,
    String,
    Int,
    Float,
    Bool,
    Url,
    Datetime,
    Array,
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

fn property(
    document: &Document,
    name: &Spanned<String>,
    entry: &PropertyEntry,
) -> Result<Property> {
    let (span, name) = (name.span(), name.get_ref().clone());
    if let Some(problem) = name_problem(&name, 1, &[]) {
        return Err(named(document, span, "property", &name, &problem));
    }
    let wrong = |at: Range<usize>, problem: &str| named(document, at, "property", &name, problem);
    let kind = match (scalar(*entry.kind.get_ref()), &entry.of) {
        (Some(kind), None) => PropertyKind::One(kind),
        (Some(_), Some(of)) => return Err(wrong(of.span(), "has `of`, which belongs to arrays")),
        (None, Some(of)) => PropertyKind::Array(*of.get_ref()),
        (None, None) => return Err(wrong(entry.kind.span(), "is an array: `of` says of what")),
    };
    let element = match kind {
        PropertyKind::One(kind) | PropertyKind::Array(kind) => kind,
    };
    let number = matches!(kind, PropertyKind::One(Scalar::Int | Scalar::Float));
    let one_of = match &entry.one_of {
        None => Vec::new(),
        Some(words) => {
            let list = words.get_ref();
            if element != Scalar::String {
                return Err(wrong(words.span(), "has `enum`, which belongs to strings"));
            }
            if list.is_empty()
                || list
                    .iter()
                    .enumerate()
                    .any(|(at, word)| list[..at].contains(word))
            {
                return Err(wrong(
                    words.span(),
                    "has an `enum` without words, or with one twice",
                ));
            }
            list.clone()
        }
    };
    if let Some(bound) = entry
        .min
        .as_ref()
        .or(entry.max.as_ref())
        .filter(|_| !number)
    {
        return Err(wrong(bound.span(), "has a bound, which belongs to numbers"));
    }
    if let (Some(min), Some(max)) = (&entry.min, &entry.max)
        && min.get_ref() > max.get_ref()
    {
        return Err(wrong(max.span(), "has a `max` below its `min`"));
    }
    let measured = matches!(
        kind,
        PropertyKind::One(Scalar::String | Scalar::Url) | PropertyKind::Array(_)
    );
    if let Some(length) = entry.min_length.as_ref().filter(|_| !measured) {
        return Err(wrong(
            length.span(),
            "has `min_length`, which belongs to strings and arrays",
        ));
    }
    let mut property = Property {
        name: name.clone(),
        kind,
        required: entry.required,
        default: None,
        one_of,
        min: entry.min.as_ref().map(|min| *min.get_ref()),
        max: entry.max.as_ref().map(|max| *max.get_ref()),
        min_length: entry.min_length.as_ref().map(|length| *length.get_ref()),
        references: entry.references.clone(),
        span,
    };
    if let Some(default) = &entry.default {
        let problem =
            |problem: String| wrong(default.span(), &format!("has a default that {problem}"));
        let value = serde_json::to_value(default.get_ref())
            .map_err(|_| problem("JSON cannot hold".to_owned()))?;
        property
            .refusal(&value)
            .map_or(Ok(()), |reason| Err(problem(reason)))?;
        property.default = Some(value);
    }
    Ok(property)
}

fn scalar(name: TypeName) -> Option<Scalar> {
    Some(match name {
        TypeName::Uuid => Scalar::Uuid,
        TypeName::String => Scalar::String,
        TypeName::Int => Scalar::Int,
        TypeName::Float => Scalar::Float,
        TypeName::Bool => Scalar::Bool,
        TypeName::Url => Scalar::Url,
        TypeName::Datetime => Scalar::Datetime,
        TypeName::Array => return None,
    })
}

fn listed(document: &Document, label: &Label, entry: &Spanned<IndexEntry>) -> Result<GraphIndex> {
    let (at, entry) = (entry.span(), entry.get_ref());
    let wrong = |problem: &str| {
        document.failure(
            at.clone(),
            format!("an index of label \"{}\" {problem}", label.name),
        )
    };
    let kinds = [
        (IndexKind::Sql, &entry.sql),
        (IndexKind::Where, &entry.access),
        (IndexKind::Match, &entry.pattern),
        (IndexKind::Contains, &entry.contains),
    ];
    let mut given = kinds
        .into_iter()
        .filter_map(|(kind, properties)| Some((kind, properties.as_ref()?)));
    let (Some((kind, properties)), None) = (given.next(), given.next()) else {
        return Err(wrong(
            "needs exactly one of `sql`, `where`, `match` and `contains`",
        ));
    };
    if properties.is_empty()
        || properties
            .iter()
            .enumerate()
            .any(|(at, p)| properties[..at].contains(p))
    {
        return Err(wrong("names no property, or one twice"));
    }
    if let Some(unknown) = properties
        .iter()
        .find(|p| !label.free && label.property(p).is_none())
    {
        return Err(wrong(&format!(
            "names \"{unknown}\", which the label does not declare"
        )));
    }
    if kind == IndexKind::Contains && properties.len() > 1 {
        return Err(wrong(
            "has `contains` with several properties; it takes one",
        ));
    }
    if entry.unique && kind != IndexKind::Where {
        return Err(wrong("is `unique`, which only `where` can be"));
    }
    let name = match &entry.name {
        None => default_name(&label.name, kind, entry.unique, properties),
        Some(name) => {
            let text = name.get_ref();
            if text.is_empty()
                || text.contains('\0')
                || text.len() > crate::catalog::name::NAME_BYTES_MAX
            {
                return Err(named(
                    document,
                    name.span(),
                    "index",
                    text,
                    "is empty, too long or has a NUL byte",
                ));
            }
            text.clone()
        }
    };
    Ok(GraphIndex {
        label: label.name.clone(),
        kind,
        properties: properties.clone(),
        unique: entry.unique,
        name,
        implied: false,
    })
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
