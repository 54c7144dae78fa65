//! Vertices and edges of a generated graph: labels, properties and ends as the ontology declares them.
//!
//! An edge's end is drawn among its label's vertices of the tenant, the first ones far more often: the one of
//! rank r gets edges in proportion to r^-1/2. So degrees follow the power law with the exponent 3 that growth by
//! preferential attachment gives, without any vertex having to know of others.
//!
//! Source: Goh, Kahng and Kim, "Universal behavior of load distribution in scale-free networks" (2001).

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::{Map, Value as Json};

use super::draw::{self, Draw, uuid, zipf};
use super::property;
use super::text::TOPIC_COUNT;
use super::value::Value;
use super::{Plan, Size};
use crate::catalog::name::ColumnName;
use crate::failure::{Failure, Result};
use crate::graph::transfer::{Batch, End, Item, complete, key};
use crate::spec::ontology::{Label, LabelKind, Ontology, Property, PropertyKind, Scalar};

/// How many vertices are written in one transaction.
const VERTICES_AT_ONCE: u64 = 5_000;

/// The edges of how many vertices are written in one transaction.
const STARTS_AT_ONCE: u64 = 2_000;

/// One more than the most edges that start at a vertex; the mean is half of it, less one half.
const EDGES_END: u64 = 7;

/// What is written to a graph.
#[derive(Debug)]
pub struct Graph {
    /// What it may hold.
    pub ontology: Ontology,
    /// By the place of a vertex label in the ontology: those whose vertices can be told apart.
    vertices: BTreeMap<usize, Vertices>,
    /// By the place of an edge label: how many edges there are.
    edges: BTreeMap<usize, u64>,
}

/// The vertices of one label.
#[derive(Debug)]
struct Vertices {
    /// The property that tells them apart.
    key: String,
    /// The number of the first vertex of each tenant, and behind them how many there are.
    starts: Vec<u64>,
    seeds: Seeds,
}

/// What draws follow from.
#[derive(Debug, Clone, Copy)]
struct Seeds {
    id: u64,
    properties: u64,
    edges: u64,
    edge: u64,
}

impl Vertices {
    fn count(&self, tenant: usize) -> u64 {
        match (self.starts.get(tenant), self.starts.get(tenant + 1)) {
            (Some(from), Some(to)) => to - from,
            _ => 0,
        }
    }
}

/// What is written in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// These vertices, or the edges that start at them.
    pub kind: LabelKind,
    /// The place of the vertices' label in the ontology.
    label: usize,
    /// The vertices.
    rows: Range<u64>,
}

/// An edge before it has properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Drawn {
    label: usize,
    to: (usize, u64),
}

/// The vertex labels that table columns name, by column: what such a column holds is the id of a vertex.
pub(super) fn links(ontology: &Ontology) -> BTreeMap<ColumnName, usize> {
    let links = ontology.links.iter();
    links
        .filter_map(|link| {
            let at = (ontology.labels.iter()).position(|label| label.name == link.vertex)?;
            let label = &ontology.labels[at];
            let property = label.property(key(label)?)?;
            // A vertex that takes its id from a row does not give one.
            let own = property.name == link.property && property.references.is_none();
            own.then(|| (link.column.clone(), at))
        })
        .collect()
}

impl Graph {
    /// Shares so many vertices among tenants and labels; the first labels get most. A label gets as many vertices
    /// as rows name it, at least.
    pub(super) fn make(plan: &Plan, ontology: &Ontology, size: Size, vertices: u64) -> Self {
        let mut graph = Self {
            ontology: ontology.clone(),
            vertices: BTreeMap::new(),
            edges: BTreeMap::new(),
        };
        let seeds = |label: usize| {
            let name = &ontology.labels[label].name;
            let seed = |what| draw::key(size.seed, &["graph", &ontology.graph, name, what]);
            Seeds {
                id: seed("id"),
                properties: seed("properties"),
                edges: seed("edges"),
                edge: seed("edge"),
            }
        };
        let labels: Vec<(usize, &str)> = (ontology.labels.iter().enumerate())
            .filter(|(_, label)| label.kind == LabelKind::Vertex)
            .filter_map(|(at, label)| Some((at, key(label)?)))
            .collect();
        let links = links(ontology);
        let mut starts = vec![0; labels.len()];
        for (at, key) in &labels {
            let own = Vertices {
                key: (*key).to_owned(),
                starts: Vec::new(),
                seeds: seeds(*at),
            };
            graph.vertices.insert(*at, own);
        }
        for (tenant, wanted) in zipf(vertices, size.tenants).into_iter().enumerate() {
            for (n, wanted) in zipf(wanted, labels.len()).into_iter().enumerate() {
                let (label, _) = labels[n];
                let named = links.iter().filter(|(_, of)| **of == label);
                let named = named.filter_map(|(column, _)| plan.place_of(column));
                let named = named
                    .map(|(table, _)| plan.tables[table].rows_of(tenant))
                    .max();
                let count = graph
                    .most(plan, label, tenant)
                    .min(wanted.max(named.unwrap_or(0)));
                if let Some(own) = graph.vertices.get_mut(&label) {
                    own.starts.push(starts[n]);
                }
                starts[n] += count;
            }
        }
        for ((label, _), end) in labels.iter().zip(starts) {
            if let Some(own) = graph.vertices.get_mut(label) {
                own.starts.push(end);
            }
        }
        graph.count_edges(plan);
        graph
    }

    /// The most vertices or edges of a label that a tenant can have: what they are to refer to has to be there.
    fn most(&self, plan: &Plan, label: usize, tenant: usize) -> u64 {
        let label = &self.ontology.labels[label];
        let referring = label.properties.iter().filter_map(|property| {
            let column = property.references.as_ref()?;
            let rows = plan
                .place_of(column)
                .map_or(0, |(table, _)| plan.tables[table].rows_of(tenant));
            match key(label) == Some(property.name.as_str()) {
                true => Some(rows),
                false if property.required && rows == 0 => Some(0),
                false => None,
            }
        });
        referring.min().unwrap_or(u64::MAX)
    }

    fn count_edges(&mut self, plan: &Plan) {
        let mut edges = BTreeMap::new();
        for (label, own) in &self.vertices {
            for index in 0..own.starts.last().copied().unwrap_or(0) {
                for drawn in self.edges_of(plan, *label, index) {
                    *edges.entry(drawn.label).or_insert(0) += 1;
                }
            }
        }
        self.edges = edges;
    }

    /// How many vertices or edges of each label there are.
    pub fn counts(&self) -> impl Iterator<Item = (&Label, u64)> {
        let vertices = self.vertices.iter();
        let vertices = vertices.map(|(at, own)| (*at, own.starts.last().copied().unwrap_or(0)));
        let all = vertices.chain(self.edges.iter().map(|(at, count)| (*at, *count)));
        all.filter(|(_, count)| *count > 0)
            .map(|(at, count)| (&self.ontology.labels[at], count))
    }

    /// All vertices, or the edges of all, in the parts that are written in one transaction each.
    pub fn parts(&self, kind: LabelKind) -> Vec<Part> {
        let at_once = match kind {
            LabelKind::Vertex => VERTICES_AT_ONCE,
            LabelKind::Edge => STARTS_AT_ONCE,
        };
        let mut parts = Vec::new();
        for (label, own) in &self.vertices {
            let count = own.starts.last().copied().unwrap_or(0);
            parts.extend((0..count.div_ceil(at_once)).map(|at| Part {
                kind,
                label: *label,
                rows: at * at_once..((at + 1) * at_once).min(count),
            }));
        }
        parts
    }

    /// The rows of a part, and what its first row is known by.
    ///
    /// # Errors
    /// Exit 2 when a label's properties cannot be made up.
    pub fn batch(&self, plan: &Plan, part: &Part) -> Result<(Batch, Option<Item>)> {
        let mut batch = Batch::default();
        let mut first = None;
        for index in part.rows.clone() {
            let items = match part.kind {
                LabelKind::Vertex => vec![self.vertex(plan, part.label, index)?],
                LabelKind::Edge => self
                    .edges_of(plan, part.label, index)
                    .into_iter()
                    .enumerate()
                    .map(|(number, drawn)| self.edge(plan, (part.label, index), number, drawn))
                    .collect::<Result<_>>()?,
            };
            for item in items {
                batch.add(&item).map_err(Failure::bug)?;
                first.get_or_insert(item);
            }
        }
        Ok((batch, first))
    }

    /// The vertex that a table's row names.
    pub(super) fn named(&self, plan: &Plan, label: usize, tenant: usize, local: u64) -> Value {
        let Some(own) = self.vertices.get(&label) else {
            return Value::Null;
        };
        match (own.count(tenant), own.starts.get(tenant)) {
            (0, _) | (_, None) => Value::Null,
            (count, Some(start)) => self.id(plan, label, start + local % count),
        }
    }

    fn tenant(&self, label: usize, index: u64) -> usize {
        let starts = self.vertices.get(&label).map(|own| own.starts.as_slice());
        let behind = starts.map_or(0, |starts| starts.partition_point(|start| *start <= index));
        behind.saturating_sub(1)
    }

    fn id(&self, plan: &Plan, label: usize, index: u64) -> Value {
        let declared = &self.ontology.labels[label];
        let property = key(declared).and_then(|name| declared.property(name));
        if let Some(column) = property.and_then(|property| property.references.as_ref()) {
            let tenant = self.tenant(label, index);
            let start = self.vertices[&label].starts[tenant];
            return plan
                .place_of(column)
                .map_or(Value::Null, |at| plan.held(at, tenant, index - start));
        }
        match property.map(|property| property.kind) {
            Some(PropertyKind::One(Scalar::Int)) => {
                Value::Integer(i64::try_from(index).unwrap_or(0) + 1)
            }
            _ => Value::Uuid(uuid(&mut Draw::at(self.vertices[&label].seeds.id, index))),
        }
    }

    fn end(&self, plan: &Plan, label: usize, index: u64) -> End {
        let id = property::json(&self.id(plan, label, index)).unwrap_or_default();
        End {
            label: self.ontology.labels[label].name.clone(),
            id: id.as_str().map_or_else(|| id.to_string(), str::to_owned),
        }
    }

    fn vertex(&self, plan: &Plan, label: usize, index: u64) -> Result<Item> {
        let tenant = self.tenant(label, index);
        let mut draw = Draw::at(self.vertices[&label].seeds.properties, index);
        let mut properties = self.properties(plan, label, tenant, &mut draw);
        if let Some(id) = property::json(&self.id(plan, label, index)) {
            properties.insert(self.vertices[&label].key.clone(), id);
        }
        self.complete(Item {
            label: self.ontology.labels[label].name.clone(),
            from: None,
            to: None,
            properties,
        })
    }

    /// The edges that start at a vertex: none to itself, none twice.
    fn edges_of(&self, plan: &Plan, label: usize, index: u64) -> Vec<Drawn> {
        let tenant = self.tenant(label, index);
        let mut draw = Draw::at(self.vertices[&label].seeds.edges, index);
        let labels = &self.ontology.labels;
        let allows = |allowed: &[String], of: usize| {
            allowed.is_empty() || allowed.contains(&labels[of].name)
        };
        let fitting: Vec<usize> = (0..labels.len())
            .filter(|at| labels[*at].kind == LabelKind::Edge && allows(&labels[*at].from, label))
            .filter(|at| self.most(plan, *at, tenant) > 0)
            .collect();
        let mut edges: Vec<Drawn> = Vec::new();
        for _ in 0..draw.below(EDGES_END) {
            let Some(edge) = draw.of(&fitting).copied() else {
                break;
            };
            let ends: Vec<usize> = (self.vertices.iter())
                .filter(|(to, own)| allows(&labels[edge].to, **to) && own.count(tenant) > 0)
                .map(|(to, _)| *to)
                .collect();
            let to = draw.skewed(ends.len() as u64);
            let Some(to) = usize::try_from(to)
                .ok()
                .and_then(|to| ends.get(to))
                .copied()
            else {
                continue;
            };
            let own = &self.vertices[&to];
            let drawn = Drawn {
                label: edge,
                to: (to, own.starts[tenant] + draw.skewed(own.count(tenant))),
            };
            if drawn.to != (label, index) && !edges.contains(&drawn) {
                edges.push(drawn);
            }
        }
        edges
    }

    fn edge(&self, plan: &Plan, from: (usize, u64), number: usize, drawn: Drawn) -> Result<Item> {
        let index = from.1 * EDGES_END + number as u64;
        let mut draw = Draw::at(self.vertices[&from.0].seeds.edge, index);
        self.complete(Item {
            label: self.ontology.labels[drawn.label].name.clone(),
            from: Some(self.end(plan, from.0, from.1)),
            to: Some(self.end(plan, drawn.to.0, drawn.to.1)),
            properties: self.properties(plan, drawn.label, self.tenant(from.0, from.1), &mut draw),
        })
    }

    fn complete(&self, mut item: Item) -> Result<Item> {
        match complete(&mut item, &self.ontology, None) {
            Ok(()) => Ok(item),
            Err(error) => Err(Failure::usage(format!(
                "a {} cannot be made up: {error}",
                item.label
            ))
            .hint("Leave the graph out: vertices = 0 in seeds/scale.toml.")),
        }
    }

    /// Those that are required, and each of the others half the time.
    fn properties(
        &self,
        plan: &Plan,
        label: usize,
        tenant: usize,
        draw: &mut Draw,
    ) -> Map<String, Json> {
        let label = &self.ontology.labels[label];
        let own = key(label);
        let topic = draw.skewed(TOPIC_COUNT);
        let language = plan.any_language(draw);
        let mut map = Map::new();
        for property in &label.properties {
            let wanted = property.required || draw.once_in(2);
            if !wanted || own == Some(property.name.as_str()) {
                continue;
            }
            let value = match &property.references {
                Some(column) => self.referred(plan, property, column, tenant, draw),
                None => Some(property::value(property, (topic, language), draw)),
            };
            if let Some(value) = value {
                map.insert(property.name.clone(), value);
            }
        }
        map
    }

    /// What a row of the tenant holds.
    fn referred(
        &self,
        plan: &Plan,
        property: &Property,
        column: &ColumnName,
        tenant: usize,
        draw: &mut Draw,
    ) -> Option<Json> {
        let (table, column) = plan.place_of(column)?;
        let rows = plan.tables[table].rows_of(tenant);
        let local = match property.name == self.ontology.tenant_property {
            true => 0,
            false => draw.skewed(rows),
        };
        (rows > 0)
            .then(|| plan.held((table, column), tenant, local))
            .and_then(|value| property::json(&value))
    }
}
