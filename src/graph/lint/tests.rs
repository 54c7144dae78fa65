use super::*;
use crate::spec::document::Document;
use crate::spec::query::queries;

const ONTOLOGY: &str = "graph = \"the_graph\"\nisolation = \"enforced\"\ntenant_property = \"tenant\"\n\
    [vertex.A]\nindex = [{ match = [\"id\"] }, { where = [\"name\"] }]\n[vertex.A.properties]\n\
    id = { type = \"uuid\" }\nname = { type = \"string\" }\nage = { type = \"int\" }\ntenant = { type = \"uuid\", required = true }\n\
    [vertex.B.properties]\nid = { type = \"uuid\" }\ntenant = { type = \"uuid\", required = true }\n\
    [edge.R.properties]\ntenant = { type = \"uuid\", required = true }\n";

fn found(body: &str, version: Option<(u32, u32)>) -> Vec<&'static str> {
    let document = |path: &str, text: String| Document {
        path: path.into(),
        text,
    };
    let ontology = Ontology::read(&document("o.toml", ONTOLOGY.into())).unwrap();
    let header = "// name: q\n// about: x\n// parameters: t uuid\n// columns: a agtype\n// writes: nothing\n// uses_index: none\n";
    let query = queries(&[document("q.cypher", format!("{header}{body}"))])
        .unwrap()
        .remove(0);
    lint(&query, &ontology, version)
        .into_iter()
        .map(|finding| finding.code.id)
        .collect()
}

#[test]
fn a_good_query_has_no_finding() {
    assert_eq!(
        found(
            "MATCH (a:A {id: 1, tenant: $t})-[r:R {tenant: $t}]->(b:A {tenant: $t}) RETURN b",
            None
        ),
        [""; 0]
    );
    assert_eq!(
        found(
            "MATCH (a:A) WHERE a.tenant = $t AND a.name = 'x' RETURN a",
            None
        ),
        [""; 0]
    );
}

#[test]
fn each_bad_form_is_found() {
    for (body, wanted) in [
        (
            "MATCH (a:A {tenant: $t})-[r:R|R {tenant: $t}]->(b:A {tenant: $t}) RETURN b",
            "lint-label-alternation",
        ),
        (
            "MATCH (a:A {tenant: $t})-[r:R {tenant: $t}]-(b:A {tenant: $t}) RETURN b",
            "lint-undirected",
        ),
        (
            "MATCH (a:A {tenant: $t})-[r:R*1..3 {tenant: $t}]->(b:A {tenant: $t}) RETURN b",
            "lint-path",
        ),
        (
            "MATCH (a:A {tenant: $t}) MATCH (a)-[r:R]->(b:A {tenant: $t}) RETURN b",
            "query-unbound",
        ),
        (
            "UNWIND [1] AS x MERGE (a:A {id: x, tenant: $t}) RETURN a",
            "lint-unwind-merge",
        ),
        ("MATCH (a:B {tenant: $t}) RETURN a", "lint-match-index"),
        (
            "MATCH (a:A) WHERE a.age > 3 AND a.tenant = $t RETURN a",
            "lint-where-index",
        ),
        ("MATCH (a:C {tenant: $t}) RETURN a", "lint-unknown-label"),
        (
            "MATCH (a:A {tenant: $t}) WHERE exists((a)-[*1..2]->(:A)) RETURN a",
            "age-crash",
        ),
        (
            "MATCH (a:A {tenant: $t}) WHERE id(a) IN [1] OPTIONAL MATCH (a) RETURN a",
            "age-crash",
        ),
    ] {
        assert!(
            found(body, None).contains(&wanted),
            "{body}: {:?}",
            found(body, None)
        );
    }
}

#[test]
fn what_a_version_has_mended_is_no_finding_for_it() {
    let merge = "UNWIND [1] AS x MERGE (a:A {id: x, tenant: $t}) RETURN a";
    assert_eq!(found(merge, Some((1, 8))), [""; 0]);
}
