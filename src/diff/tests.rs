use super::*;

fn catalog(objects: &[(Kind, &str, &str, &str)]) -> Catalog {
    let mut catalog = Catalog::default();
    for (kind, on, name, facets) in objects {
        let facets = serde_json::from_str(facets).unwrap();
        catalog.objects.insert(Id::new(*kind, *on, *name), facets);
    }
    catalog
}

fn told(expected: &Catalog, actual: &Catalog) -> Vec<String> {
    compare(expected, actual)
        .iter()
        .map(|d| format!("{}: {}", d.id, d.words()))
        .collect()
}

#[test]
fn equal_catalogs_differ_in_nothing() {
    let one = catalog(&[(
        Kind::Table,
        "",
        "public.t",
        r#"{"owner":"o","columns":["a"]}"#,
    )]);
    assert_eq!(told(&one, &one), Vec::<String>::new());
}

#[test]
fn a_dropped_table_is_one_difference() {
    let expected = catalog(&[
        (Kind::Table, "", "public.t", r#"{"columns":["a"]}"#),
        (Kind::Column, "public.t", "a", r#"{"type":"integer"}"#),
        (Kind::Policy, "public.t", "p", r#"{"command":"ALL"}"#),
        (
            Kind::Sequence,
            "",
            "public.t_a_seq",
            r#"{"owned_by":"public.t.a"}"#,
        ),
    ]);
    assert_eq!(
        told(&expected, &Catalog::default()),
        ["table public.t: missing"]
    );
}

#[test]
fn an_added_column_does_not_count_as_another_order() {
    let expected = catalog(&[(Kind::Table, "", "public.t", r#"{"columns":["a","b"]}"#)]);
    let actual = catalog(&[
        (Kind::Table, "", "public.t", r#"{"columns":["a","x","b"]}"#),
        (Kind::Column, "public.t", "x", "{}"),
    ]);
    assert_eq!(
        told(&expected, &actual),
        ["column public.t.x: not in the spec"]
    );
    let turned = catalog(&[(Kind::Table, "", "public.t", r#"{"columns":["b","a"]}"#)]);
    assert_eq!(
        told(&expected, &turned),
        ["table public.t: columns: expected in the order a, b, found b, a"]
    );
}

#[test]
fn widened_access_comes_first() {
    let expected = catalog(&[
        (Kind::Table, "", "public.a", r#"{"comment":"x"}"#),
        (
            Kind::Table,
            "",
            "public.z",
            r#"{"row_security":true,"forced":true}"#,
        ),
    ]);
    let actual = catalog(&[
        (Kind::Table, "", "public.a", "{}"),
        (
            Kind::Table,
            "",
            "public.z",
            r#"{"row_security":true,"grants":["SELECT to PUBLIC"]}"#,
        ),
    ]);
    let found = compare(&expected, &actual);
    let codes: Vec<String> = found.iter().map(Difference::code).collect();
    assert_eq!(codes, ["table-forced", "table-grants", "table-comment"]);
    assert_eq!(
        found[0].consequence,
        "queries run as the owner see every tenant"
    );
    assert_eq!(found[1].words(), "grants: not in the spec SELECT to PUBLIC");
}

#[test]
fn a_rename_is_hinted_at_and_still_told_as_two_differences() {
    let expected = catalog(&[(Kind::Column, "public.t", "old", r#"{"type":"text"}"#)]);
    let actual = catalog(&[(Kind::Column, "public.t", "new", r#"{"type":"text"}"#)]);
    let found = compare(&expected, &actual);
    assert_eq!(found.len(), 2);
    assert_eq!(
        found[0].hint.as_deref(),
        Some("perhaps renamed: old is found as new")
    );
}
