//! Attempts on the graph, against its declared isolation.

use super::attempt::{Attempt, Context, Expect, Group};
use super::graph_value::{map, slot};
use super::value::uuid;
use crate::catalog::name::{quote_ident, quote_literal};
use crate::posture::scene::Scene;
use crate::spec::ontology::{Label, LabelKind, Ontology};

/// The graph's part of the world.
pub struct GraphWorld {
    /// Statements that make the vertices and edges of both tenants.
    pub seeds: Vec<String>,
    /// The attempts of each application role.
    pub groups: Vec<Group>,
}

pub(super) struct Graph<'a> {
    pub(super) ontology: &'a Ontology,
    pub(super) vertex: &'a Label,
    pub(super) edge: &'a Label,
    pub(super) tenant: &'a str,
    pub(super) a: String,
    pub(super) b: String,
    pub(super) mark: String,
    pub(super) run: &'a str,
}

/// What is attempted on a graph whose isolation is enforced. `a` and `b` are the tenants' ids.
pub fn world(scene: &Scene<'_>, a: &str, b: &str, run: &str) -> Option<GraphWorld> {
    let ontology = scene.ontology.filter(|_| scene.graph_enforced())?;
    // A label with room for a mark shows a leak that another would hide.
    let of = |kind| {
        let labels = ontology
            .labels
            .iter()
            .filter(move |label| label.kind == kind);
        labels.min_by_key(|label| slot(label).is_none())
    };
    let (vertex, edge) = (of(LabelKind::Vertex)?, of(LabelKind::Edge)?);
    let there = |label: &str| {
        scene
            .posture
            .labels
            .iter()
            .any(|l| l.graph == ontology.graph && l.label == label)
    };
    if !there(&vertex.name) || !there(&edge.name) {
        return None;
    }
    let graph = Graph {
        ontology,
        vertex,
        edge,
        tenant: &ontology.tenant_property,
        a: a.to_owned(),
        b: b.to_owned(),
        mark: format!("mark{}", uuid(&format!("{run} mark")).replace('-', "")),
        run,
    };
    let groups = scene
        .applications
        .iter()
        .filter(|role| {
            scene
                .relations
                .values()
                .any(|relation| scene.is_label(relation.oid) && relation.grants(role, "r"))
        })
        .flat_map(|role| {
            let group = |context, attempts| Group {
                context,
                role: role.clone(),
                replica: false,
                attempts,
            };
            [
                group(Context::Empty, graph.without()),
                group(Context::A1, graph.inside(scene)),
            ]
        })
        .collect();
    Some(GraphWorld {
        seeds: graph.seeds()?,
        groups,
    })
}

impl Graph<'_> {
    pub(super) fn cypher(&self, query: &str) -> Option<String> {
        let graph = quote_literal(&self.ontology.graph).ok()?;
        Some(format!(
            "SELECT v FROM ag_catalog.cypher({graph}, $edu$ {query} $edu$) AS (v ag_catalog.agtype)"
        ))
    }

    pub(super) fn count(&self, query: &str) -> Option<String> {
        let inner = self.cypher(query)?;
        Some(format!("SELECT count(*) FROM ({inner}) q"))
    }

    pub(super) fn id(&self, name: &str) -> String {
        uuid(&format!("{} vertex {name}", self.run))
    }

    /// The map of the vertex `name`: its id, its tenant, and a text where the label has room for one.
    pub(super) fn vertex_map(&self, name: &str, tenant: Option<&str>, text: &str) -> String {
        let id = self.id(name);
        let mut given = vec![("id", id.as_str())];
        given.extend(tenant.map(|tenant| (self.tenant, tenant)));
        given.extend(slot(self.vertex).map(|slot| (slot, text)));
        map(self.vertex, &given, Some(self.tenant))
    }

    /// The map of an edge of `tenant`.
    pub(super) fn edge_map(&self, tenant: &str, text: Option<&str>) -> String {
        let mut given = vec![(self.tenant, tenant)];
        given.extend(slot(self.edge).zip(text));
        map(self.edge, &given, None)
    }

    /// A1 -E-> A2 of tenant A; B1 -E-> B2 of tenant B; and, as corrupt data, edges of A's through B1.
    fn seeds(&self) -> Option<Vec<String>> {
        let (v, e) = (&self.vertex.name, &self.edge.name);
        let (a, b, mark) = (self.a.as_str(), self.b.as_str(), self.mark.as_str());
        let vertex = |name: &str, tenant: &str, text: &str| {
            format!("(:{v} {})", self.vertex_map(name, Some(tenant), text))
        };
        let link = |from: &str, to: &str| {
            format!(
                "MATCH (x:{v} {{id: '{}'}}), (y:{v} {{id: '{}'}}) CREATE (x)-[:{e} {}]->(y)",
                self.id(from),
                self.id(to),
                self.edge_map(a, None)
            )
        };
        let queries = [
            format!(
                "CREATE {}-[:{e} {}]->{}",
                vertex("a1", a, "own"),
                self.edge_map(a, None),
                vertex("a2", a, "own")
            ),
            format!(
                "CREATE {}-[:{e} {}]->{}",
                vertex("b1", b, mark),
                self.edge_map(b, Some(mark)),
                vertex("b2", b, mark)
            ),
            link("a1", "b1"),
            link("b1", "a2"),
        ];
        queries.iter().map(|query| self.cypher(query)).collect()
    }

    pub(super) fn attempt(
        &self,
        command: &'static str,
        what: &str,
        sql: Option<String>,
        expect: Expect,
    ) -> Option<Attempt> {
        Some(Attempt {
            table: 0,
            object: self.ontology.graph.clone(),
            command,
            what: what.to_owned(),
            sql: sql?,
            expect,
        })
    }

    fn without(&self) -> Vec<Attempt> {
        let read =
            |what, query: &str| self.attempt("MATCH", what, self.count(query), Expect::Nothing);
        [
            read("matches all vertices", "MATCH (n) RETURN n"),
            read("matches all edges", "MATCH ()-[r]->() RETURN r"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Every vertex and edge that is not tenant A's.
    pub(super) fn foreign(&self) -> String {
        let own = |table: &str| {
            let name = quote_ident(&self.ontology.graph);
            format!(
                "(SELECT string_agg(x::text, '|' ORDER BY x::text) FROM {name}.{table} x \
                 WHERE (x.properties OPERATOR(ag_catalog.->>) '{}'::text) IS DISTINCT FROM '{}')",
                self.tenant.replace('\'', "''"),
                self.a
            )
        };
        format!(
            "SELECT md5(concat({}, {}))",
            own("_ag_label_vertex"),
            own("_ag_label_edge")
        )
    }
}
