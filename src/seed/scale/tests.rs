//! Claims about generated rows.

use sha2::{Digest, Sha256};

use super::catalog::{Check, Column, Foreign};
use super::*;

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
    Plan::make(shop(), &Scale::default(), Some(&root), size, None).unwrap()
}

fn bytes(plan: &Plan, table: usize, writer: &mut Writer) -> Vec<u8> {
    let mut all = Vec::new();
    for mut rows in plan.tables[table].chunks() {
        while rows.start < rows.end {
            all.extend_from_slice(writer.part(plan, table, &mut rows).unwrap());
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

#[test]
fn a_column_that_nothing_is_known_about_is_named() {
    let size = Size {
        tenants: 1,
        rows: 10,
        seed: 1,
    };
    let tables = vec![table("t", vec![column("place", "polygon", 604)], &[], &[])];
    let failure = Plan::make(tables, &Scale::default(), None, size, None).unwrap_err();
    assert!(
        failure.error.contains("public.t.place"),
        "{}",
        failure.error
    );
}
