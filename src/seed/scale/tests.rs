//! Claims about generated rows.

use sha2::{Digest, Sha256};

use std::collections::BTreeSet;

use super::catalog::{Check, Column, Foreign};
use super::*;
use crate::graph::transfer::Batch;
use crate::spec::document::Document;
use crate::spec::ontology::LabelKind;

fn column(name: &str, base: &str, oid: u32) -> Column {
    Column {
        name: name.to_owned(),
        base: base.to_owned(),
        oid,
        array: false,
        modifier: -1,
        required: true,
        default: false,
        generated: false,
        sequence: None,
        labels: Vec::new(),
    }
}

fn table(name: &str, columns: Vec<Column>, keys: &[&[&str]], foreign: &[(&str, &str)]) -> Table {
    Table {
        name: name.parse().unwrap(),
        forced: false,
        columns,
        keys: keys
            .iter()
            .map(|key| key.iter().map(|name| (*name).to_owned()).collect())
            .collect(),
        foreign: foreign
            .iter()
            .map(|(column, to)| Foreign {
                columns: vec![(*column).to_owned()],
                to: to.parse().unwrap(),
                to_columns: vec!["id".to_owned()],
            })
            .collect(),
        checks: Vec::new(),
    }
}

/// Organizations, their people, and chains of changes with vectors.
fn shop() -> Vec<Table> {
    let uuid = |name| column(name, "uuid", 2950);
    let mut score = column("score", "int4", 23);
    score.required = false;
    let mut email = column("email", "varchar", 1043);
    email.modifier = 24;
    let mut vector = column("v", "vector", 90_000);
    vector.modifier = 8;
    let mut tags = column("tags", "text", 25);
    tags.array = true;
    let mut person = table(
        "person",
        vec![
            uuid("id"),
            uuid("org_id"),
            email,
            column("bio", "text", 25),
            score,
            column("price", "numeric", 1700),
            tags,
        ],
        &[&["id"], &["email"]],
        &[("org_id", "org")],
    );
    person.checks.push(Check {
        columns: vec!["score".to_owned()],
        text: "CHECK (((score >= 5) AND (score < 8)))".to_owned(),
    });
    vec![
        table(
            "change",
            vec![
                uuid("person_id"),
                column("seq", "int4", 23),
                column("delta", "bytea", 17),
                vector,
                column("at", "timestamptz", 1184),
            ],
            &[&["person_id", "seq"]],
            &[("person_id", "person")],
        ),
        person,
        table(
            "org",
            vec![uuid("id"), column("name", "text", 25)],
            &[&["id"]],
            &[],
        ),
    ]
}

fn plan(seed: u64) -> Plan {
    let size = Size {
        tenants: 10,
        rows: 30_000,
        seed,
    };
    let root = "org".parse().unwrap();
    Plan::make(shop(), &Scale::default(), Some(&root), None, size, None).unwrap()
}

fn bytes(plan: &Plan, table: usize, writer: &mut Writer) -> Vec<u8> {
    let mut all = Vec::new();
    for mut rows in plan.tables[table].chunks() {
        while rows.start < rows.end {
            all.extend_from_slice(&writer.part(plan, table, &mut rows).unwrap());
        }
    }
    all
}

fn digest(plan: &Plan) -> String {
    let mut hash = Sha256::new();
    for table in 0..plan.tables.len() {
        hash.update(bytes(plan, table, &mut Writer::new()));
    }
    hex::encode(hash.finalize())
}

#[test]
fn tables_come_behind_those_they_refer_to_and_share_the_rows() {
    let plan = plan(1);
    let names: Vec<&str> = plan
        .tables
        .iter()
        .map(|one| one.table.name.name.as_str())
        .collect();
    assert_eq!(names, ["org", "person", "change"]);
    assert_eq!(plan.waves(), [vec![0], vec![1], vec![2]]);
    assert_eq!(plan.tables[0].rows(), 10);
    assert!((29_990..=30_000).contains(&plan.rows()));
    assert!(plan.tables[1].rows_of(0) > 4 * plan.tables[1].rows_of(9));
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_every_machine_and_release() {
    // A change of this hash is a change for everybody who compares loads: it belongs in the changelog.
    assert_eq!(
        digest(&plan(1)),
        "08c58455424fc413013fa785427158bf364a197f86a7048cb80b4a2e4ef06d62"
    );
    assert_ne!(digest(&plan(2)), digest(&plan(1)));
}

#[test]
fn rows_do_not_depend_on_who_makes_them() {
    let plan = plan(1);
    let mut writer = Writer::new();
    let first = bytes(&plan, 2, &mut writer);
    let _ = bytes(&plan, 1, &mut writer);
    assert_eq!(bytes(&plan, 2, &mut writer), first);
}

const ONTOLOGY: &str = r#"
graph = "ideas"
isolation = "property"
tenant_property = "org"
[[link]]
column = "public.note.about"
vertex = "Idea"
property = "id"
[vertex.Idea]
index = [{ name = "idea_id", where = ["id"], unique = true }]
[vertex.Idea.properties]
id = { type = "uuid", required = true }
org = { type = "uuid", required = true, references = "public.org.id" }
label = { type = "string", required = true, min_length = 3 }
aliases = { type = "array", of = "string", default = [] }
trust = { type = "float", min = 0.25, max = 0.75, required = true }
[vertex.Author]
index = [{ name = "author_id", where = ["id"], unique = true }]
[vertex.Author.properties]
id = { type = "uuid", required = true, references = "public.person.id" }
org = { type = "uuid", required = true, references = "public.org.id" }
[vertex.Nameless]
[vertex.Nameless.properties]
org = { type = "uuid", required = true }
[edge.NEEDS]
from = ["Idea"]
to = ["Idea"]
[edge.NEEDS.properties]
org = { type = "uuid", required = true, references = "public.org.id" }
kind = { type = "string", required = true, enum = ["a", "b"] }
at = { type = "datetime" }
[edge.SAID_BY]
to = ["Author"]
[edge.SAID_BY.properties]
org = { type = "uuid", required = true, references = "public.org.id" }
person = { type = "uuid", required = true, references = "public.person.id" }
"#;

/// The shop with notes about ideas, and a graph of these.
fn graph(seed: u64) -> Plan {
    let size = Size {
        tenants: 10,
        rows: 30_000,
        seed,
    };
    let uuid = |name| column(name, "uuid", 2950);
    let mut tables = shop();
    let columns = vec![uuid("id"), uuid("org_id"), uuid("about")];
    tables.push(table("note", columns, &[&["id"]], &[("org_id", "org")]));
    let ontology = Document {
        path: "graph/ontology.toml".to_owned(),
        text: ONTOLOGY.to_owned(),
    };
    let ontology = Ontology::read(&ontology).unwrap();
    let root = "org".parse().unwrap();
    Plan::make(
        tables,
        &Scale::default(),
        Some(&root),
        Some(&ontology),
        size,
        None,
    )
    .unwrap()
}

fn batches(plan: &Plan, kind: LabelKind) -> Vec<Batch> {
    let graph = plan.graph.as_ref().unwrap();
    let parts = graph.parts(kind);
    parts
        .iter()
        .map(|part| graph.batch(plan, part).unwrap().0)
        .collect()
}

fn lines<'a>(batches: &'a [Batch], label: &str) -> Vec<&'a str> {
    let sheaves = batches.iter().flat_map(|batch| &batch.sheaves);
    let own = sheaves.filter(|sheaf| sheaf.label == label);
    own.flat_map(|sheaf| std::str::from_utf8(&sheaf.rows).unwrap().lines())
        .collect()
}

#[test]
fn a_graph_has_hubs_and_knows_its_vertices_and_no_others() {
    let plan = graph(1);
    let vertices = batches(&plan, LabelKind::Vertex);
    let edges = batches(&plan, LabelKind::Edge);
    let ideas = lines(&vertices, "Idea");
    let known: BTreeMap<String, String> = ideas
        .iter()
        .map(|line| {
            let properties: serde_json::Value = serde_json::from_str(line).unwrap();
            let text = |name: &str| properties[name].as_str().unwrap().to_owned();
            (text("id"), text("org"))
        })
        .collect();
    assert_eq!(known.len(), ideas.len(), "an id is given once");
    let mut degrees: BTreeMap<&str, usize> = BTreeMap::new();
    for line in lines(&edges, "NEEDS") {
        let fields: Vec<&str> = line.split('\t').collect();
        let (from, to) = (fields[0].trim_matches('"'), fields[1].trim_matches('"'));
        let properties: serde_json::Value = serde_json::from_str(fields[2]).unwrap();
        assert_ne!(from, to);
        assert_eq!(known[from], known[to]);
        assert_eq!(properties["org"], known[from]);
        *degrees.entry(to).or_default() += 1;
    }
    let mut degrees: Vec<usize> = degrees.into_values().collect();
    degrees.sort_unstable();
    let (most, median) = (degrees[degrees.len() - 1], degrees[degrees.len() / 2]);
    assert!(
        most > 20 * median,
        "{most} at the largest hub, {median} in the middle"
    );
    // What is promised is what comes.
    let promised: BTreeMap<&str, u64> = (plan.graph.as_ref().unwrap().counts())
        .map(|(label, count)| (label.name.as_str(), count))
        .collect();
    assert_eq!(promised["NEEDS"], lines(&edges, "NEEDS").len() as u64);
    assert_eq!(promised["SAID_BY"], lines(&edges, "SAID_BY").len() as u64);
    assert!(
        !promised.contains_key("Nameless"),
        "edges could not find it"
    );
}

#[test]
fn vertices_and_rows_name_each_other() {
    let plan = graph(1);
    let vertices = batches(&plan, LabelKind::Vertex);
    let place = |name: &str| {
        let tables = plan.tables.iter();
        tables
            .clone()
            .position(|one| one.table.name.name == name)
            .unwrap()
    };
    let ids = |name: &str| -> BTreeSet<String> {
        let rows = 0..plan.tables[place(name)].rows();
        rows.map(|row| plan.identity(place(name), row).unwrap()[0].1.clone())
            .collect()
    };
    let of = |label: &str| -> Vec<serde_json::Value> {
        let lines = lines(&vertices, label);
        lines
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let people = ids("person");
    assert!(
        of("Author")
            .iter()
            .all(|one| people.contains(one["id"].as_str().unwrap()))
    );
    // As many ideas as notes about them, at least, and each note is about another one of its tenant.
    let ideas: BTreeSet<[u8; 16]> = of("Idea")
        .iter()
        .map(|one| {
            uuid::Uuid::parse_str(one["id"].as_str().unwrap())
                .unwrap()
                .into_bytes()
        })
        .collect();
    let notes = place("note");
    let rows = bytes(&plan, notes, &mut Writer::new());
    // A row is its count of columns and three fields of four and sixteen bytes.
    let about: BTreeSet<[u8; 16]> = rows
        .chunks(2 + 3 * 20)
        .map(|row| row[46..62].try_into().unwrap())
        .collect();
    assert_eq!(about.len() as u64, plan.tables[notes].rows());
    assert!(about.is_subset(&ideas));
}

#[test]
fn the_same_seed_gives_the_same_graph_on_every_machine_and_release() {
    let digest = |plan: &Plan| {
        let mut hash = Sha256::new();
        for kind in [LabelKind::Vertex, LabelKind::Edge] {
            for sheaf in batches(plan, kind).iter().flat_map(|batch| &batch.sheaves) {
                hash.update(&sheaf.label);
                hash.update(&sheaf.rows);
            }
        }
        hex::encode(hash.finalize())
    };
    assert_eq!(
        digest(&graph(1)),
        "1dcf1eb719a8c9f33c0f60979b15c7a8ea1a6251307600e645b98250be67d3c7"
    );
    assert_ne!(digest(&graph(2)), digest(&graph(1)));
}

#[test]
fn a_column_that_nothing_is_known_about_is_named() {
    let size = Size {
        tenants: 1,
        rows: 10,
        seed: 1,
    };
    let tables = vec![table("t", vec![column("place", "polygon", 604)], &[], &[])];
    let failure = Plan::make(tables, &Scale::default(), None, None, size, None).unwrap_err();
    assert!(
        failure.error.contains("public.t.place"),
        "{}",
        failure.error
    );
}
