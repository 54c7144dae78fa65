//! Claims about what is read from a function's text.

use super::super::object::{Column, Fact};
use super::*;

fn posture() -> Posture {
    let column = |number, name: &str| Column {
        number,
        name: name.to_owned(),
        data_type: "uuid".to_owned(),
        type_oid: 2950,
        not_null: true,
        automatic: false,
        acl: None,
        writers: Vec::new(),
    };
    let relation: Relation = serde_json::from_value(serde_json::json!({
        "oid": 20000, "schema": "public", "name": "member", "kind": "r", "owner": "o", "owner_bypasses": false,
        "secured": true, "forced": false, "partition": false, "acl": null, "rows": 0.0, "extension": false,
        "invoker": false, "barrier": false, "parents": [], "definition": null, "query": null, "columns": [], "may": {}
    }))
    .unwrap();
    let fact = |kind: &str, oid| Fact {
        kind: kind.to_owned(),
        subject: String::new(),
        text: String::new(),
        oid,
    };
    Posture {
        relations: vec![Relation {
            columns: vec![column(1, "org_id"), column(2, "user_id")],
            ..relation
        }],
        facts: vec![fact("equality", 98), fact("routine", 2077)],
        ..Posture::default()
    }
}

fn function(language: &str, text: &str, definer: bool, path: Option<&str>) -> Function {
    serde_json::from_value(serde_json::json!({
        "oid": 30000, "schema": "public", "name": "f", "signature": "public.f(uuid)", "language": language,
        "volatility": "s", "parallel_safe": true, "definer": definer, "leakproof": false, "owner": "o",
        "owner_bypasses": false, "settings": path.map(|path| format!("search_path={path}")).into_iter().collect::<Vec<_>>(),
        "body": text, "tree": null, "trigger": false, "kind": "f", "returns_set": false, "arguments": ["uuid"],
        "argument_names": ["org"], "strict": false, "public": false, "extension": null, "callers": []
    }))
    .unwrap()
}

fn of(language: &str, text: &str) -> Option<Select> {
    body(&posture(), &function(language, text, false, None))
}

#[test]
fn a_setting_is_read_however_it_is_written() {
    let plain = of(
        "sql",
        "SELECT NULLIF(current_setting('app.t', true), '')::uuid",
    )
    .unwrap();
    for (language, text) in [
        (
            "sql",
            " select nullif( pg_catalog.current_setting('app.t', TRUE) , '')::pg_catalog.uuid ; ",
        ),
        (
            "sql",
            "SELECT (nullif(current_setting('app.t', true), ''))::uuid -- the tenant",
        ),
        (
            "plpgsql",
            "BEGIN\n RETURN nullif(current_setting('app.t', true), '')::uuid;\nEND;",
        ),
        (
            "plpgsql",
            "begin return (SELECT nullif(current_setting('app.t', true), '')::uuid); end",
        ),
    ] {
        assert_eq!(of(language, text).as_ref(), Some(&plain), "{text}");
    }
}

#[test]
fn members_are_read_with_their_columns_and_parameters() {
    let exists = "SELECT EXISTS (SELECT 1 FROM public.member m WHERE m.org_id = $1 AND m.user_id = current_setting('u', true)::uuid)";
    let first = of("sql", exists).unwrap();
    let named = exists.replace("$1", "org").replace("m.user_id", "user_id");
    assert_eq!(of("sql", &named), Some(first));
    let joined =
        "SELECT a.org_id FROM member a JOIN member b ON a.org_id = b.org_id WHERE b.user_id = $1";
    let joined = of("sql", joined).unwrap();
    assert_eq!(
        (
            joined.from.len(),
            joined.conditions.len(),
            joined.targets.len()
        ),
        (2, 2, 1)
    );
}

#[test]
fn whatever_else_stands_there_is_not_read() {
    for text in [
        "SELECT current_setting('app.t', true) || ''",
        "SELECT evil.current_setting('app.t', true)",
        "SELECT current_setting('app.t', true)::uuid; SELECT 1",
        "SELECT current_setting('app.t', true)::varchar(3)",
        "SELECT org_id FROM member ORDER BY 1",
        "SELECT org_id FROM member UNION SELECT org_id FROM member",
        "SELECT org_id FROM member LEFT JOIN member b ON true",
        "SELECT org_id FROM member LIMIT 1",
        "SELECT org_id FROM nowhere",
        "SELECT CASE WHEN true THEN org_id END FROM member",
        "SELECT E'\\x27'",
        "DELETE FROM member",
        "",
    ] {
        assert_eq!(of("sql", text), None, "{text}");
    }
    for text in [
        "DECLARE x int; BEGIN RETURN current_setting('a'); END",
        "BEGIN PERFORM 1; RETURN current_setting('a'); END",
        "BEGIN RETURN EXISTS (SELECT 1 FROM member m WHERE org_id = org); END; SELECT 1",
    ] {
        assert_eq!(of("plpgsql", text), None, "{text}");
    }
}

#[test]
fn a_definer_function_is_read_only_where_no_temporary_table_can_stand_in() {
    let text = "SELECT EXISTS (SELECT 1 FROM member WHERE org_id = $1)";
    let read = |definer, path| body(&posture(), &function("sql", text, definer, path)).is_some();
    assert!(read(false, None));
    assert!(!read(true, None));
    assert!(!read(true, Some("public")));
    assert!(!read(true, Some("pg_temp, public")));
    assert!(!read(true, Some("\"$user\", public, pg_temp")));
    assert!(read(true, Some("pg_catalog, public, pg_temp")));
    let qualified = text.replace("member", "public.member");
    assert!(body(&posture(), &function("sql", &qualified, true, None)).is_some());
}

#[test]
fn an_equality_of_ones_own_makes_every_text_opaque() {
    let mut posture = posture();
    posture.facts.push(Fact {
        kind: "own_equality".into(),
        subject: String::new(),
        text: String::new(),
        oid: 20_001,
    });
    let text = "SELECT current_setting('a', true)";
    assert_eq!(body(&posture, &function("sql", text, false, None)), None);
}
