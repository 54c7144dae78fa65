//! Claims about names and quoting.

use super::*;

fn parts(text: &str) -> (String, String) {
    let name: Name = text.parse().unwrap();
    (name.schema, name.name)
}

#[test]
fn a_name_without_schema_is_in_public() {
    assert_eq!(parts("users"), ("public".into(), "users".into()));
}

#[test]
fn quotes_keep_case_dots_and_quotes() {
    assert_eq!(parts("g.\"Concept\""), ("g".into(), "Concept".into()));
    assert_eq!(parts("\"a.b\".\"c\"\"d\""), ("a.b".into(), "c\"d".into()));
}

#[test]
fn an_unquoted_upper_case_name_is_refused_instead_of_folded() {
    let error = "g.Concept".parse::<Name>().unwrap_err();
    assert!(error.contains("upper-case"), "{error}");
}

#[test]
fn a_name_of_three_parts_or_with_a_space_is_refused() {
    for text in ["a.b.c", "a b", "", ".", "a.", "\"a", "\"a\"b", "1a"] {
        assert!(text.parse::<Name>().is_err(), "{text}");
    }
}

#[test]
fn a_name_longer_than_the_server_keeps_is_refused() {
    assert!("a".repeat(63).parse::<Name>().is_ok());
    assert!("a".repeat(64).parse::<Name>().is_err());
    assert!("ש".repeat(32).parse::<Name>().is_err());
}

#[test]
fn display_quotes_what_needs_it_and_reads_back() {
    for (text, shown) in [
        ("users", "public.users"),
        ("\"user\"", "public.\"user\""),
        ("\"A\".\"b\"\"c\"", "\"A\".\"b\"\"c\""),
    ] {
        let name: Name = text.parse().unwrap();
        assert_eq!(name.to_string(), shown);
        assert_eq!(name.to_string().parse::<Name>().unwrap(), name);
    }
}

#[test]
fn a_column_has_two_or_three_parts() {
    let column: ColumnName = "app.\"T\".c".parse().unwrap();
    assert_eq!(column.to_string(), "app.\"T\".c");
    assert_eq!(
        "t.c".parse::<ColumnName>().unwrap().to_string(),
        "public.t.c"
    );
    assert!("c".parse::<ColumnName>().is_err() && "a.b.c.d".parse::<ColumnName>().is_err());
}

#[test]
fn the_reserved_words_are_sorted_for_the_search() {
    assert!(RESERVED.is_sorted());
}

#[test]
fn a_literal_survives_quotes_and_backslashes_and_refuses_nul() {
    assert_eq!(quote_literal("O'Brien").unwrap(), "'O''Brien'");
    assert_eq!(quote_literal("a\\'b").unwrap(), "E'a\\\\''b'");
    assert!(quote_literal("a\0b").is_err());
}
