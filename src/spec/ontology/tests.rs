//! Claims about the ontology.

use super::*;
use crate::failure::Failure;

const TENANT: &str = "properties.tenant = { type = \"uuid\", required = true }\n";

fn text(body: &str) -> String {
    format!("graph = \"kg1\"\nisolation = \"enforced\"\ntenant_property = \"tenant\"\n{body}")
}

fn read(body: &str) -> Result<Ontology> {
    Ontology::read(&Document {
        path: "graph/ontology.toml".into(),
        text: text(body),
    })
}

/// The position within the body.
fn refusal(body: &str) -> (Failure, (usize, usize)) {
    let failure = read(body).unwrap_err();
    let (line, column) = failure.excerpt.as_ref().expect("a place").position();
    (failure, (line - 3, column))
}

fn names(ontology: &Ontology) -> Vec<String> {
    ontology
        .indexes()
        .into_iter()
        .map(|index| index.name)
        .collect()
}

#[test]
fn labels_and_properties_keep_the_order_of_the_file() {
    let ontology = read(&format!(
        "[edge.Z]\nfrom = [\"B\"]\n{TENANT}[vertex.B]\nproperties.z = {{ type = \"int\", min = 0 }}\n{TENANT}[vertex.A]\n{TENANT}"
    ))
    .unwrap();
    let labels: Vec<_> = ontology
        .labels
        .iter()
        .map(|label| (label.name.as_str(), label.kind))
        .collect();
    assert_eq!(
        labels,
        [
            ("Z", LabelKind::Edge),
            ("B", LabelKind::Vertex),
            ("A", LabelKind::Vertex)
        ]
    );
    let properties: Vec<_> = ontology.labels[1]
        .properties
        .iter()
        .map(|p| p.name.as_str())
        .collect();
    assert_eq!(properties, ["z", "tenant"]);
    assert_eq!(
        ontology.table(&ontology.labels[1]).unwrap().to_string(),
        "kg1.\"B\""
    );
}

#[test]
fn indexes_get_deterministic_names_and_the_policys_own_is_implied() {
    let ontology = read(&format!(
        "[vertex.Concept]\nindex = [{{ where = [\"id\"], unique = true }}, {{ where = [\"id\"] }}, {{ match = [\"id\"] }}, \
         {{ contains = [\"id\"] }}, {{ sql = [\"id\"] }}]\nproperties.id = {{ type = \"uuid\" }}\n{TENANT}\
         [edge.CITES]\nindex = [{{ name = \"mine\", sql = [\"tenant\"] }}]\n{TENANT}"
    ))
    .unwrap();
    assert_eq!(
        names(&ontology),
        [
            "Concept_pkey",
            "ix_concept_tenant",
            "ux_concept_id",
            "ix_concept_id_ac",
            "ix_concept_props",
            "ix_concept_id_gin",
            "ix_concept_id",
            "CITES_start_id_idx",
            "CITES_end_id_idx",
            "mine",
        ]
    );
}

#[test]
fn a_long_label_gets_an_index_name_within_the_limit() {
    let long = "A".repeat(63);
    let ontology = read(&format!(
        "[edge.{long}]\n{TENANT}[edge.{}]\n{TENANT}",
        "B".repeat(63)
    ))
    .unwrap();
    let names = names(&ontology);
    assert!(names.iter().all(|name| name.len() <= 63), "{names:?}");
    assert_eq!(
        names
            .iter()
            .collect::<std::collections::BTreeSet<_>>()
            .len(),
        names.len()
    );
}

#[test]
fn names_that_age_refuses_are_pointed_at() {
    for (label, place) in [
        ("\"bad label\"", 9),
        ("1bad", 9),
        ("\"a-b\"", 9),
        ("_ag_label_vertex", 9),
        ("\"a²\"", 9),
    ] {
        assert_eq!(
            refusal(&format!("[vertex.{label}]\n{TENANT}")).1,
            (1, place),
            "{label}"
        );
    }
    assert!(read(&format!("[vertex.\"מושג\"]\n{TENANT}")).is_ok());
    let read = |graph: &str| {
        let text = text("").replace("kg1", graph);
        Ontology::read(&Document {
            path: "x".into(),
            text,
        })
    };
    assert!(read("g1").is_err() && read("my graph").is_err() && read("my-graph").is_ok());
    assert_eq!(read("1ab").unwrap_err().excerpt.unwrap().position(), (1, 9));
}

#[test]
fn a_vertex_and_an_edge_share_one_namespace() {
    let (failure, place) = refusal(&format!("[vertex.A]\n{TENANT}[edge.A]\n{TENANT}"));
    assert_eq!(place, (3, 7));
    assert!(failure.error.contains("\"A\""));
}

#[test]
fn every_label_requires_the_tenant_property_even_a_free_one() {
    let (failure, place) = refusal("[vertex.A]\nfree = true\n");
    assert_eq!(place, (1, 9));
    assert!(
        failure
            .hint
            .unwrap()
            .contains("tenant = { type = \"uuid\", required = true }")
    );
    assert!(read("[vertex.A]\nproperties.tenant = { type = \"uuid\" }\n").is_err());
}

#[test]
fn end_labels_and_links_must_exist() {
    let (failure, place) = refusal(&format!(
        "[vertex.Concept]\n{TENANT}[edge.E]\nto = [\"Concpt\"]\n{TENANT}"
    ));
    assert_eq!(place, (4, 7));
    assert_eq!(failure.hint.as_deref(), Some("Did you mean `Concept`?"));
    assert_eq!(
        refusal(&format!(
            "[edge.F]\n{TENANT}[edge.E]\nfrom = [\"F\"]\n{TENANT}"
        ))
        .1,
        (4, 9)
    );
    let link = |property: &str| {
        format!(
            "[[link]]\ncolumn = \"t.c\"\nvertex = \"A\"\nproperty = \"{property}\"\n[vertex.A]\n{TENANT}"
        )
    };
    assert_eq!(
        read(&link("tenant")).unwrap().links[0].column.to_string(),
        "public.t.c"
    );
    assert_eq!(refusal(&link("id")).1, (4, 12));
}

#[test]
fn a_property_that_contradicts_itself_is_pointed_at() {
    for (property, column) in [
        ("{ type = \"text\" }", 14),
        ("{ type = \"array\" }", 14),
        ("{ type = \"int\", of = \"int\" }", 26),
        ("{ type = \"int\", enum = [\"a\"] }", 28),
        ("{ type = \"string\", enum = [] }", 31),
        ("{ type = \"string\", enum = [\"a\", \"a\"] }", 31),
        ("{ type = \"string\", min = 1 }", 30),
        ("{ type = \"int\", min = 2, max = 1 }", 36),
        ("{ type = \"bool\", min_length = 1 }", 35),
        ("{ type = \"float\", max = 1, default = 2 }", 42),
        ("{ type = \"string\", enum = [\"a\"], default = \"b\" }", 48),
        ("{ type = \"array\", of = \"string\", default = [1] }", 48),
    ] {
        let body = format!("[vertex.A]\n{TENANT}[vertex.A.properties.sub]\n");
        assert!(read(&body).is_err());
        let body = format!(
            "[vertex.A.properties]\ntenant = {{ type = \"uuid\", required = true }}\nx = {property}\n"
        );
        assert_eq!(refusal(&body).1, (3, column), "{property}");
    }
}

#[test]
fn an_index_that_cannot_be_is_pointed_at() {
    for index in [
        "{ name = \"i\" }",
        "{ sql = [\"tenant\"], match = [\"tenant\"] }",
        "{ sql = [] }",
        "{ sql = [\"tenant\", \"tenant\"] }",
        "{ sql = [\"tenat\"] }",
        "{ sql = [\"tenant\"], unique = true }",
    ] {
        let (failure, place) = refusal(&format!("[vertex.A]\nindex = [{index}]\n{TENANT}"));
        assert_eq!(place, (2, 10), "{index}: {}", failure.error);
    }
    assert!(
        read(&format!(
            "[vertex.A]\nfree = true\nindex = [{{ sql = [\"other\"] }}]\n{TENANT}"
        ))
        .is_ok()
    );
}

#[test]
fn an_index_name_given_twice_names_both_labels() {
    let index = "index = [{ name = \"i\", where = [\"tenant\"] }]\n";
    let (failure, place) = refusal(&format!(
        "[vertex.A]\n{index}{TENANT}[edge.B]\n{index}{TENANT}"
    ));
    assert_eq!(place, (4, 7));
    assert!(failure.detail[0].contains("\"A\"") && failure.detail[0].contains("\"B\""));
}

#[test]
fn unknown_keys_are_pointed_at_with_the_nearest_one() {
    let (failure, place) = refusal(&format!("[edge.A]\nform = [\"B\"]\n{TENANT}"));
    assert_eq!(place, (2, 1));
    assert_eq!(failure.hint.as_deref(), Some("Did you mean `from`?"));
}
