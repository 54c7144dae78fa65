//! Claims about query files.

use super::*;

const CYPHER: &str = "// name: find\n// about: concepts of a tenant,\n//   by their label\n// parameters: tenant_id uuid, search string?\n\
    // columns: id agtype, label agtype\n// writes: nothing\n// uses_index: idx_a, idx_b\n// Prose: any.\n\
    MATCH (c {t: $tenant_id}) WHERE c.label CONTAINS $search AND c.x <> '$no' // $no\nRETURN c.id, c.label\n";
const SQL: &str = "-- name: add\n-- about: adds\n-- constants: label vertex_label Concept\n\
    -- parameters: $1 map agtype, $2 tenant_id uuid\n-- columns: id text\n-- writes: {label}\n-- uses_index: none\n\
    INSERT INTO g.\"{label}\" SELECT $1 WHERE $1 ->> 't' = $2::text AND 'x' <> '$3'\n";

fn read(file: &str, text: &str) -> Result<Query> {
    let document = Document {
        path: format!("graph/queries/{file}"),
        text: text.into(),
    };
    queries(&[document]).map(|mut queries| queries.remove(0))
}

fn refusal(file: &str, text: &str) -> (Failure, (usize, usize)) {
    let failure = read(file, text).unwrap_err();
    let place = failure.excerpt.as_ref().expect("a place").position();
    (failure, place)
}

#[test]
fn a_cypher_query_tells_parameters_columns_and_indexes() {
    let query = read("find.cypher", CYPHER).unwrap();
    assert_eq!(query.about, "concepts of a tenant, by their label");
    assert_eq!((query.language, query.writes.len()), (Language::Cypher, 0));
    let parameters: Vec<_> = query
        .parameters
        .iter()
        .map(|p| (p.name.as_str(), p.kind.as_str(), p.optional))
        .collect();
    assert_eq!(
        parameters,
        [("tenant_id", "uuid", false), ("search", "string", true)]
    );
    assert_eq!(
        query.columns[1],
        Column {
            name: "label".into(),
            kind: "agtype".into()
        }
    );
    assert_eq!(query.uses_index[1].word, "idx_b");
    assert!(query.text().starts_with("// Prose: any.\nMATCH"));
}

#[test]
fn an_sql_query_takes_its_labels_as_constants() {
    let query = read("add.sql", SQL).unwrap();
    assert_eq!(query.constants[0].kind, LabelKind::Vertex);
    assert_eq!(query.writes[0].word, "{label}");
    let text = query.with_constants(|constant| constant.example.clone());
    assert!(text.contains("INTO g.\"Concept\" SELECT"));
}

#[test]
fn a_missing_unknown_repeated_or_empty_key_is_refused() {
    for key in [
        "name",
        "about",
        "parameters",
        "columns",
        "writes",
        "uses_index",
    ] {
        let text = CYPHER.replace(&format!("// {key}:"), "// ");
        assert!(read("find.cypher", &text).is_err(), "{key}");
    }
    let (failure, place) = refusal("find.cypher", &CYPHER.replace("// columns:", "// colums:"));
    assert_eq!(
        (failure.hint.as_deref(), place),
        (Some("Did you mean `columns`?"), (5, 4))
    );
    assert_eq!(
        refusal(
            "find.cypher",
            &CYPHER.replace("// writes: nothing", "// name: find")
        )
        .1,
        (6, 4)
    );
    assert_eq!(
        refusal(
            "find.cypher",
            &CYPHER.replace("// writes: nothing", "// writes:")
        )
        .1,
        (6, 4)
    );
}

#[test]
fn a_key_below_the_header_is_an_error_not_ignored() {
    let text = CYPHER.replace("// Prose: any.", "// Prose: any.\n// writes: Concept");
    assert_eq!(refusal("find.cypher", &text).1, (9, 4));
}

#[test]
fn the_name_is_the_files() {
    assert_eq!(refusal("other.cypher", CYPHER).1, (1, 10));
    assert!(
        read("find.txt", CYPHER)
            .unwrap_err()
            .error
            .contains("not named like a query")
    );
}

#[test]
fn malformed_values_are_pointed_at() {
    for (from, to, place) in [
        ("tenant_id uuid", "tenant_id text", (4, 16)),
        ("tenant_id uuid", "uuid", (4, 16)),
        ("id agtype", "id agtype; drop", (5, 13)),
        ("label agtype", "label", (5, 24)),
        ("search string?", "tenant_id string", (4, 32)),
    ] {
        assert_eq!(
            refusal("find.cypher", &CYPHER.replacen(from, to, 1)).1,
            place,
            "{to}"
        );
    }
    assert_eq!(
        refusal("add.sql", &SQL.replace("$2 tenant_id", "$3 tenant_id")).1,
        (4, 31)
    );
    assert_eq!(
        refusal("add.sql", &SQL.replace("vertex_label", "label")).1,
        (3, 15)
    );
}

#[test]
fn parameters_and_constants_are_declared_and_used() {
    assert_eq!(
        refusal("find.cypher", &CYPHER.replace("$search", "$serch")).1,
        (9, 50)
    );
    assert_eq!(
        refusal("find.cypher", &CYPHER.replace("$search", "'x'")).1,
        (4, 32)
    );
    assert_eq!(refusal("add.sql", &SQL.replace("= $2", "= $4")).1, (8, 54));
    assert_eq!(
        refusal("add.sql", &SQL.replace("g.\"{label}\"", "g.t")).1,
        (3, 34)
    );
}

#[test]
fn an_sql_query_is_one_statement() {
    assert_eq!(refusal("add.sql", &format!("{SQL};\nselect 1")).1, (10, 1));
}

#[test]
fn labels_and_indexes_are_looked_up_in_the_ontology() {
    let ontology = Ontology::read(&Document {
        path: "graph/ontology.toml".into(),
        text: "graph = \"kg1\"\nisolation = \"property\"\ntenant_property = \"t\"\n[vertex.Concept]\n\
               index = [{ name = \"idx_a\", sql = [\"t\"] }, { name = \"idx_b\", where = [\"t\"] }]\n\
               properties.t = { type = \"uuid\", required = true }\n"
            .into(),
    })
    .unwrap();
    let place = |file: &str, text: &str| {
        let failure = check_against(&[read(file, text).unwrap()], &ontology).unwrap_err();
        (failure.hint, failure.excerpt.unwrap().position())
    };
    let good = [
        read("find.cypher", CYPHER).unwrap(),
        read("add.sql", SQL).unwrap(),
    ];
    check_against(&good, &ontology).unwrap();
    assert_eq!(
        place("find.cypher", &CYPHER.replace("idx_b", "idx_c")),
        (Some("Did you mean `idx_a`?".into()), (7, 23))
    );
    assert_eq!(
        place("add.sql", &SQL.replace("label Concept", "label Concpt")).1,
        (3, 34)
    );
    assert_eq!(
        place(
            "find.cypher",
            &CYPHER.replace("writes: nothing", "writes: Term")
        )
        .1,
        (6, 12)
    );
}
