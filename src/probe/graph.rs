//! Attempts on the graph, against its declared isolation.

use super::attempt::{Attempt, Context, Expect, Group};
use super::value::uuid;
use crate::catalog::name::{quote_ident, quote_literal};
use crate::posture::scene::Scene;
use crate::posture::{FIRST_USER_OID, Function};
use crate::spec::ontology::{LabelKind, Ontology};

/// The graph's part of the world.
pub struct GraphWorld {
    /// Statements that make the vertices and edges of both tenants.
    pub seeds: Vec<String>,
    /// The attempts of each application role.
    pub groups: Vec<Group>,
}

struct Graph<'a> {
    ontology: &'a Ontology,
    vertex: &'a str,
    edge: &'a str,
    tenant: &'a str,
    a: String,
    b: String,
    mark: String,
    run: &'a str,
}

/// What is attempted on a graph whose isolation is enforced. `a` and `b` are the tenants' ids.
pub fn world(scene: &Scene<'_>, a: &str, b: &str, run: &str) -> Option<GraphWorld> {
    let ontology = scene.ontology.filter(|_| scene.graph_enforced())?;
    let of = |kind| ontology.labels.iter().find(|label| label.kind == kind);
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
        vertex: &vertex.name,
        edge: &edge.name,
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
    fn cypher(&self, query: &str) -> Option<String> {
        let graph = quote_literal(&self.ontology.graph).ok()?;
        Some(format!(
            "SELECT v FROM ag_catalog.cypher({graph}, $edu$ {query} $edu$) AS (v ag_catalog.agtype)"
        ))
    }

    fn count(&self, query: &str) -> Option<String> {
        let inner = self.cypher(query)?;
        Some(format!("SELECT count(*) FROM ({inner}) q"))
    }

    fn id(&self, name: &str) -> String {
        uuid(&format!("{} vertex {name}", self.run))
    }

    /// A1 -E-> A2 of tenant A; B1 -E-> B2 of tenant B; and, as corrupt data, edges of A's through B1.
    fn seeds(&self) -> Option<Vec<String>> {
        let (v, e, t) = (self.vertex, self.edge, self.tenant);
        let vertex = |name: &str, tenant: &str| {
            let mark = if name.starts_with('b') {
                &self.mark
            } else {
                "own"
            };
            format!(
                "(:{v} {{id: '{}', {t}: '{tenant}', mark: '{mark}', label: '{mark}', name: '{mark}'}})",
                self.id(name)
            )
        };
        let link = |from: &str, to: &str| {
            format!(
                "MATCH (x:{v} {{id: '{}'}}), (y:{v} {{id: '{}'}}) CREATE (x)-[:{e} {{{t}: '{}'}}]->(y)",
                self.id(from),
                self.id(to),
                self.a
            )
        };
        let queries = [
            format!(
                "CREATE {}-[:{e} {{{t}: '{}'}}]->{}",
                vertex("a1", &self.a),
                self.a,
                vertex("a2", &self.a)
            ),
            format!(
                "CREATE {}-[:{e} {{{t}: '{}', mark: '{}'}}]->{}",
                vertex("b1", &self.b),
                self.b,
                self.mark,
                vertex("b2", &self.b)
            ),
            link("a1", "b1"),
            link("b1", "a2"),
        ];
        queries.iter().map(|query| self.cypher(query)).collect()
    }

    fn attempt(
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
    fn foreign(&self) -> String {
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

    fn inside(&self, scene: &Scene<'_>) -> Vec<Attempt> {
        let (v, e, t) = (self.vertex, self.edge, self.tenant);
        let exactly = |n: u32| Expect::Exactly(format!("SELECT {n}::int8"));
        let no_mark = || Expect::NoMark(self.mark.clone());
        let same = || Expect::Unchanged(self.foreign());
        let (a1, b1) = (self.id("a1"), self.id("b1"));
        let mut all = vec![
            self.attempt(
                "MATCH",
                "matches vertices by label",
                self.count(&format!("MATCH (n:{v}) RETURN n")),
                exactly(2),
            ),
            self.attempt(
                "MATCH",
                "matches all vertices",
                self.count("MATCH (n) RETURN n"),
                exactly(2),
            ),
            self.attempt(
                "MATCH",
                "matches edges by label",
                self.cypher(&format!("MATCH ()-[r:{e}]->() RETURN r")),
                no_mark(),
            ),
            self.attempt(
                "MATCH",
                "matches all edges",
                self.cypher("MATCH (a)-[r]->(b) RETURN [a, r, b]"),
                no_mark(),
            ),
            self.attempt(
                "MATCH",
                "walks paths of any length",
                self.cypher("MATCH p = (a)-[*1..3]->(b) RETURN p"),
                no_mark(),
            ),
            self.attempt(
                "MATCH",
                "walks paths of one label",
                self.cypher(&format!("MATCH p = (a)-[:{e}*2..2]->(b) RETURN p")),
                no_mark(),
            ),
            self.attempt(
                "MATCH",
                "asks for the ends of edges",
                self.cypher("MATCH ()-[r]->() RETURN [startNode(r), endNode(r)]"),
                no_mark(),
            ),
            self.attempt(
                "MATCH",
                "asks for the ends of an edge it made up",
                self.cypher(&self.made_up_edge()),
                no_mark(),
            ),
            self.attempt(
                "CREATE",
                "adds a vertex of its own",
                self.cypher(&format!(
                    "CREATE (n:{v} {{id: '{}', {t}: '{}', label: 'x', name: 'x'}}) RETURN n",
                    self.id("new"),
                    self.a
                )),
                Expect::Works,
            ),
            self.attempt(
                "CREATE",
                "adds a vertex of tenant B",
                self.cypher(&format!(
                    "CREATE (n:{v} {{id: '{}', {t}: '{}', label: 'x', name: 'x'}})",
                    self.id("new"),
                    self.b
                )),
                same(),
            ),
            self.attempt(
                "CREATE",
                "adds a vertex of no tenant",
                self.cypher(&format!(
                    "CREATE (n:{v} {{id: '{}', label: 'x', name: 'x'}})",
                    self.id("new")
                )),
                same(),
            ),
            self.attempt(
                "CREATE",
                "adds an edge of tenant B",
                self.cypher(&format!(
                    "MATCH (x:{v} {{id: '{a1}'}}) CREATE (x)-[:{e} {{{t}: '{}'}}]->(x)",
                    self.b
                )),
                same(),
            ),
            self.attempt(
                "MERGE",
                "merges a vertex of tenant B",
                self.cypher(&format!(
                    "MERGE (n:{v} {{id: '{}', {t}: '{}'}})",
                    self.id("merged"),
                    self.b
                )),
                same(),
            ),
            self.attempt(
                "SET",
                "moves its vertex to tenant B",
                self.cypher(&format!(
                    "MATCH (n:{v} {{id: '{a1}'}}) SET n.{t} = '{}'",
                    self.b
                )),
                same(),
            ),
            self.attempt(
                "REMOVE",
                "takes the tenant off its vertex",
                self.cypher(&format!("MATCH (n:{v} {{id: '{a1}'}}) REMOVE n.{t}")),
                same(),
            ),
            self.attempt(
                "SET",
                "changes tenant B's vertex",
                self.cypher(&format!("MATCH (n:{v} {{id: '{b1}'}}) SET n.mark = 'x'")),
                same(),
            ),
            self.attempt(
                "SET",
                "changes every vertex",
                self.cypher("MATCH (n) SET n.mark = 'x'"),
                same(),
            ),
            self.attempt(
                "SET",
                "changes vertices along paths",
                self.cypher("MATCH p = (a)-[*1..3]->(b) UNWIND nodes(p) AS n SET n.mark = 'x'"),
                same(),
            ),
            self.attempt(
                "DELETE",
                "deletes tenant B's vertex",
                self.cypher(&format!("MATCH (n:{v} {{id: '{b1}'}}) DETACH DELETE n")),
                same(),
            ),
            self.attempt(
                "DELETE",
                "deletes edges of others",
                self.cypher("MATCH ()-[r]->() DELETE r"),
                same(),
            ),
        ];
        for label in [v, e, "_ag_label_vertex", "_ag_label_edge"] {
            let (graph, label) = (quote_ident(&self.ontology.graph), quote_ident(label));
            all.push(self.attempt(
                "SELECT",
                "reads the label's table",
                Some(format!("SELECT x FROM {graph}.{label} x")),
                no_mark(),
            ));
            let sql = format!("UPDATE {graph}.{label} SET properties = properties");
            all.push(self.attempt("UPDATE", "writes the label's table", Some(sql), same()));
            all.push(self.attempt(
                "DELETE",
                "empties the label's table",
                Some(format!("DELETE FROM {graph}.{label}")),
                same(),
            ));
        }
        for function in doors(scene) {
            let nulls: Vec<String> = function
                .arguments
                .iter()
                .map(|argument| format!("NULL::{argument}"))
                .collect();
            let sql = format!(
                "SELECT {}.{}({})::text",
                function.schema,
                function.name,
                nulls.join(", ")
            );
            let mut attempt = self.attempt(
                "SELECT",
                "calls what reads past row security",
                Some(sql),
                Expect::Refused,
            );
            if let Some(attempt) = &mut attempt {
                attempt.object.clone_from(&function.signature);
            }
            all.push(attempt);
        }
        all.into_iter().flatten().collect()
    }

    /// An edge that stands in the query only, and whose ends are the first vertices of all.
    fn made_up_edge(&self) -> String {
        let first: u64 = 844_424_930_131_969;
        let e = self.edge;
        format!(
            "WITH {{id: 1, label: '{e}', start_id: {first}, end_id: {first}, properties: {{}}}}::edge AS r RETURN [startNode(r), endNode(r)]"
        )
    }
}

/// The graph functions that read past row security whatever their arguments.
fn doors<'a>(scene: &'a Scene<'_>) -> Vec<&'a Function> {
    const PAST: [&str; 3] = ["age_vle", "age_shortest_path", "age_all_shortest_paths"];
    let all = scene
        .posture
        .functions
        .iter()
        .filter(|function| function.oid >= FIRST_USER_OID);
    all.filter(|function| {
        function.extension.as_deref() == Some("age") && PAST.contains(&function.name.as_str())
    })
    .collect()
}
