//! Claims about seeds.

use super::*;
use crate::failure::Failure;

fn read(texts: &[&str]) -> Result<Seed> {
    let documents: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(at, text)| Document {
            path: format!("seeds/dev/{at}.toml"),
            text: (*text).to_owned(),
        })
        .collect();
    Seed::read(&documents)
}

fn refusal(text: &str) -> (Failure, (usize, usize)) {
    let failure = read(&[text]).unwrap_err();
    let place = failure.excerpt.as_ref().expect("a place").position();
    (failure, place)
}

const OWNER: &str = "[[table]]\nname = \"public.t\"\nas = \"owner\"\n";

#[test]
fn rows_keep_their_columns_in_file_order_with_types_and_places() {
    let text = "[[table]]\nname = \"app.\\\"User\\\"\"\ntenant = \"t1\"\nuser = \"u1\"\nkey = [\"b\", \"a\"]\n\
                [[table.row]]\nb = \"x\"\na = 1\nf = 1.5\nt = true\nd = 2026-01-01T00:00:00Z\n\
                settings = { z = [1, { k = \"v\" }] }\n[[table.row]]\nb = \"y\"\na = 1\n";
    let seed = read(&[text]).unwrap();
    let table = &seed.tables[0];
    assert_eq!(table.name.to_string(), "app.\"User\"");
    assert_eq!(table.writer.role, WriterRole::Application);
    let context: Vec<_> = table.writer.context().map(|cell| &cell.value).collect();
    assert_eq!(
        context,
        [&Value::Text("t1".into()), &Value::Text("u1".into())]
    );
    assert_eq!(table.key, ["b", "a"]);
    assert_eq!(seed.row_count(), 2);
    let columns: Vec<_> = table.rows[0]
        .values
        .iter()
        .map(|cell| cell.column.as_str())
        .collect();
    assert_eq!(columns, ["b", "a", "f", "t", "d", "settings"]);
    assert_eq!(
        table.rows[0].values[4].value,
        Value::Time("2026-01-01T00:00:00Z".into())
    );
    assert_eq!(
        table.rows[0].values[5].value,
        Value::Object(vec![(
            "z".into(),
            Value::Array(vec![
                Value::Integer(1),
                Value::Object(vec![("k".into(), Value::Text("v".into()))])
            ])
        )])
    );
    let place = |span: &Range<usize>| seed.excerpt(table, span.clone(), "").position();
    assert_eq!(place(&table.rows[0].values[1].span), (8, 5));
    assert_eq!(place(&table.rows[1].span), (13, 1));
}

#[test]
fn the_key_is_id_unless_said_otherwise() {
    let seed = read(&[&format!("{OWNER}[[table.row]]\nid = 1\n")]).unwrap();
    assert_eq!(seed.tables[0].key, ["id"]);
    assert_eq!(seed.tables[0].writer.role, WriterRole::Owner);
}

#[test]
fn a_row_without_its_key_is_pointed_at() {
    let (failure, place) = refusal(&format!(
        "{OWNER}[[table.row]]\nid = 1\n[[table.row]]\nname = \"x\"\n"
    ));
    assert_eq!(place, (6, 1));
    assert!(failure.error.contains("no \"id\""));
}

#[test]
fn a_table_says_who_writes_or_in_whose_context() {
    let row = "[[table.row]]\nid = 1\n";
    for (text, place) in [
        (format!("[[table]]\nname = \"t\"\n{row}"), (2, 8)),
        (format!("{OWNER}tenant = [1]\n{row}"), (4, 10)),
        (format!("{OWNER}user = {{ now = \"0\" }}\n{row}"), (4, 8)),
        (
            format!("[[table]]\nname = \"t\"\nas = \"root\"\n{row}"),
            (3, 6),
        ),
        (
            format!("[[table]]\nname = \"t\"\ntenant = \"\"\n{row}"),
            (3, 10),
        ),
    ] {
        assert_eq!(refusal(&text).1, place, "{text}");
    }
    let forced = format!("{OWNER}tenant = \"x\"\n{row}");
    assert!(read(&[&forced]).unwrap().tables[0].writer.tenant.is_some());
}

#[test]
fn a_reference_names_a_row_of_any_file_or_is_pointed_at() {
    let users = format!("{OWNER}[[table.row]]\n\"$name\" = \"anna\"\nid = 1\n");
    let notes = "[[table]]\nname = \"n\"\nuser = { ref = \"anna\" }\n[[table.row]]\nid = 1\n\
                 by = { ref = \"anna\", column = \"id\" }\n";
    let seed = read(&[notes, &users]).unwrap();
    let anna = seed.named("anna").unwrap();
    assert_eq!((anna.table, anna.row), (1, 0));
    assert_eq!(seed.tables[0].rows[0].values[1].value.references().len(), 1);

    let failure = read(&[&notes.replace("\"anna\", col", "\"ana\", col"), &users]).unwrap_err();
    assert_eq!(failure.hint.as_deref(), Some("Did you mean \"anna\"?"));
    assert_eq!(failure.excerpt.unwrap().position(), (6, 6));
    let twice = format!("{users}[[table.row]]\n\"$name\" = \"anna\"\nid = 2\n");
    assert_eq!(refusal(&twice).1, (7, 1));
}

#[test]
fn a_key_that_changes_between_runs_is_pointed_at() {
    for value in [
        "{ uuid = \"random\" }",
        "{ now = \"0\" }",
        "{ argon2 = \"x\" }",
        "{ random = \"x\" }",
    ] {
        let text = format!("{OWNER}[[table.row]]\nid = {value}\n");
        assert_eq!(refusal(&text).1, (5, 6), "{value}");
    }
    let hash = format!("{OWNER}[[table.row]]\nid = {{ sha256 = \"x\" }}\n");
    assert!(read(&[&hash]).is_ok());
}

#[test]
fn the_shown_start_of_a_key_leaves_its_secret() {
    let row = |prefix: &str| {
        format!(
            "{OWNER}[[table.row]]\nid = 1\nhash = {{ api_key = \"ci_test_\", hash = \"sha256\" }}\np = {prefix}\n"
        )
    };
    assert!(read(&[&row("{ api_key_prefix = 16 }")]).is_ok());
    assert_eq!(refusal(&row("{ api_key_prefix = 41 }")).1, (7, 5));
    assert_eq!(
        refusal(&row("{ api_key_prefix = 16, of = \"x\" }")).1,
        (7, 5)
    );
    let alone = format!("{OWNER}[[table.row]]\nid = 1\np = {{ api_key_prefix = 4 }}\n");
    assert_eq!(refusal(&alone).1, (6, 5));
}

#[test]
fn unknown_keys_and_malformed_names_are_pointed_at() {
    let (failure, place) = refusal("[[table]]\nname = \"t\"\ntennant = \"x\"\n");
    assert_eq!(place, (3, 1));
    assert_eq!(failure.hint.as_deref(), Some("Did you mean `tenant`?"));
    assert_eq!(
        refusal("[[table]]\nname = \"a.b.c\"\nas = \"owner\"\n").1,
        (2, 8)
    );
    assert_eq!(refusal("[[tables]]\nname = \"t\"\n").1.0, 1);
}

#[test]
fn a_table_without_rows_or_with_an_empty_key_is_refused() {
    assert_eq!(refusal(OWNER).1, (2, 8));
    assert_eq!(
        refusal(&format!("{OWNER}key = []\n[[table.row]]\nid = 1\n")).1,
        (4, 7)
    );
}

#[test]
fn what_no_column_can_hold_is_pointed_at() {
    for value in [
        "\"a\\u0000\"",
        "{ \"$uuid\" = 1 }",
        "[nan]",
        "{ a = \"\\u0000\" }",
    ] {
        let text = format!("{OWNER}[[table.row]]\nid = {value}\n");
        assert_eq!(refusal(&text).1, (5, 6), "{value}");
    }
}

#[test]
fn two_rows_with_one_key_are_refused_across_files() {
    let text = format!("{OWNER}[[table.row]]\nid = 1\n");
    let failure = read(&[&text, &text]).unwrap_err();
    assert!(failure.detail[0].contains("seeds/dev/0.toml") && failure.detail[0].contains("line 4"));
    let excerpt = failure.excerpt.unwrap();
    assert_eq!(
        (excerpt.path.as_str(), excerpt.position()),
        ("seeds/dev/1.toml", (4, 1))
    );
    assert!(read(&[&text, &text.replace("id = 1", "id = \"1\"")]).is_ok());
}
