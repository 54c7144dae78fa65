use super::*;

#[test]
fn columns_are_named_by_alias_or_text() {
    assert_eq!(
        columns("MATCH (a) RETURN DISTINCT a.id, count(*) AS n, {x: 1, y: a} ORDER BY n, a"),
        ["a_id", "n", "x_y_a"]
    );
    assert_eq!(columns("CREATE (a)"), [""; 0]);
}

#[test]
fn a_pattern_is_read_with_labels_keys_and_directions() {
    let text = "MATCH (a:A {id: $id, tenant_id: $t})-[r:R|S*1..]-(b) WHERE size(b.x) > 1 AND exists((a)<-[:`T x`]-(:B)) RETURN (a)";
    let found = elements(&tokens(text));
    let labels: Vec<_> = found
        .iter()
        .map(|e| e.label.as_deref().unwrap_or(""))
        .collect();
    assert_eq!(labels, ["A", "R", "", "", "T x", "B"]);
    assert_eq!(
        found[0].keys,
        [
            ("id".to_owned(), Some("id".to_owned())),
            ("tenant_id".to_owned(), Some("t".to_owned()))
        ]
    );
    assert!(found[1].choice && found[1].path && found[1].unbounded && found[1].undirected);
    assert!(found[4].edge && !found[4].undirected);
}

#[test]
fn a_bounded_path_and_a_text_with_signs_are_no_surprise() {
    let found = elements(&tokens(
        "MATCH (a {x: 'it\\'s (b)-[*]'})-[*1..3]->(b) RETURN b",
    ));
    assert_eq!(found.len(), 3);
    assert!(found[1].path && !found[1].unbounded && !found[1].undirected);
}
