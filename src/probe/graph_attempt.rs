//! Attempts on the graph in tenant A's context.

use super::attempt::{Attempt, Expect};
use super::graph::Graph;
use super::graph_value::slot;
use crate::catalog::name::quote_ident;
use crate::posture::scene::Scene;
use crate::posture::{FIRST_USER_OID, Function};

impl Graph<'_> {
    /// Everything that is tried.
    pub(super) fn inside(&self, scene: &Scene<'_>) -> Vec<Attempt> {
        let mut all = self.reads();
        all.extend(self.creates());
        all.extend(self.changes());
        all.extend(self.tables(scene));
        all.into_iter().flatten().collect()
    }

    fn same(&self) -> Expect {
        Expect::Unchanged(self.foreign())
    }

    fn reads(&self) -> Vec<Option<Attempt>> {
        let (v, e) = (self.vertex.name.as_str(), self.edge.name.as_str());
        let exactly = |n: u32| Expect::Exactly(format!("SELECT {n}::int8"));
        let no_mark = || Expect::NoMark(self.mark.clone());
        vec![
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
        ]
    }

    fn creates(&self) -> Vec<Option<Attempt>> {
        let (v, e) = (self.vertex.name.as_str(), self.edge.name.as_str());
        let same = || self.same();
        let a1 = self.id("a1");
        vec![
            self.attempt(
                "CREATE",
                "adds a vertex of its own",
                self.cypher(&format!(
                    "CREATE (n:{v} {}) RETURN n",
                    self.vertex_map("new", Some(&self.a), "x")
                )),
                Expect::Works,
            ),
            self.attempt(
                "CREATE",
                "adds a vertex of tenant B",
                self.cypher(&format!(
                    "CREATE (n:{v} {})",
                    self.vertex_map("new", Some(&self.b), "x")
                )),
                same(),
            ),
            self.attempt(
                "CREATE",
                "adds a vertex of no tenant",
                self.cypher(&format!(
                    "CREATE (n:{v} {})",
                    self.vertex_map("new", None, "x")
                )),
                same(),
            ),
            self.attempt(
                "CREATE",
                "adds an edge of tenant B",
                self.cypher(&format!(
                    "MATCH (x:{v} {{id: '{a1}'}}) CREATE (x)-[:{e} {}]->(x)",
                    self.edge_map(&self.b, None)
                )),
                same(),
            ),
            self.attempt(
                "MERGE",
                "merges a vertex of tenant B",
                self.cypher(&format!(
                    "MERGE (n:{v} {})",
                    self.vertex_map("merged", Some(&self.b), "x")
                )),
                same(),
            ),
        ]
    }

    fn changes(&self) -> Vec<Option<Attempt>> {
        let (v, t) = (self.vertex.name.as_str(), self.tenant);
        let slot = slot(self.vertex).unwrap_or("mark");
        let same = || self.same();
        let (a1, b1) = (self.id("a1"), self.id("b1"));
        vec![
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
                self.cypher(&format!("MATCH (n:{v} {{id: '{b1}'}}) SET n.{slot} = 'x'")),
                same(),
            ),
            self.attempt(
                "SET",
                "changes every vertex",
                self.cypher(&format!("MATCH (n) SET n.{slot} = 'x'")),
                same(),
            ),
            self.attempt(
                "SET",
                "changes vertices along paths",
                self.cypher(&format!(
                    "MATCH p = (a)-[*1..3]->(b) UNWIND nodes(p) AS n SET n.{slot} = 'x'"
                )),
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
        ]
    }

    fn tables(&self, scene: &Scene<'_>) -> Vec<Option<Attempt>> {
        let (v, e) = (self.vertex.name.as_str(), self.edge.name.as_str());
        let no_mark = || Expect::NoMark(self.mark.clone());
        let same = || self.same();
        let mut all = Vec::new();
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
        all
    }

    /// An edge that stands in the query only, and whose ends are the first vertices of all.
    fn made_up_edge(&self) -> String {
        let first: u64 = 844_424_930_131_969;
        let e = &self.edge.name;
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
