//! Claims about the splitter.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

fn script(text: &str) -> Script {
    let script = split(Source {
        path: "x.sql",
        text,
    })
    .unwrap();
    check_lossless(text, &script);
    script
}

fn check_lossless(text: &str, script: &Script) {
    let mut joined = String::new();
    for statement in &script.statements {
        assert_eq!(statement.text, text[statement.body.clone()]);
        assert_eq!(statement.span.end, statement.body.end);
        joined.push_str(&text[statement.span.clone()]);
    }
    joined.push_str(&text[script.rest.clone()]);
    assert_eq!(joined, text);
}

fn count(text: &str) -> usize {
    script(text).statements.len()
}

fn refusal(text: &str) -> (String, (usize, usize)) {
    let failure = split(Source {
        path: "x.sql",
        text,
    })
    .unwrap_err();
    assert_eq!(failure.exit, crate::failure::Exit::Usage);
    (failure.error, failure.excerpt.unwrap().position())
}

#[test]
fn a_statement_carries_its_line_its_keyword_and_the_comments_before_it() {
    let text = "-- first\nselect 1;\n\n/* second */ Update t set a = 1 ; -- rest\n";
    let script = script(text);
    let second = &script.statements[1];
    assert_eq!((second.line, second.keyword.as_str()), (4, "UPDATE"));
    assert_eq!(second.text, "Update t set a = 1 ;");
    assert_eq!(
        &text[second.span.clone()],
        "\n\n/* second */ Update t set a = 1 ;"
    );
    assert_eq!(&text[script.rest.clone()], " -- rest\n");
}

#[test]
fn comments_and_lone_semicolons_are_no_statements() {
    assert_eq!(count(""), 0);
    assert_eq!(count(" ; ;; -- a;b\n /* c; */ ;"), 0);
    assert_eq!(count(";select 1;;select 2"), 2);
}

#[test]
fn semicolons_in_constants_identifiers_and_comments_end_nothing() {
    for text in [
        "select ';', E'\\';', U&'\\003b;', \"a;b\", U&\"a;b\", N'a;', B'1', X'F' -- ;\n /* ; /* ; */ ; */ ;",
        "select E'a'\n'\\';';",
        "select $$ ; $a$ ; $a $$;",
        "select $a$ ; $$ ; $b$ ; $b$ $$ $a$;",
        "select * from cypher('g', $$ MATCH (n {a: ';'}) RETURN n; $$) as (a agtype);",
        "select 1 */*;*/ 2 +--;\n 3;",
        "select a$b$c, 1;",
        "create rule r as on insert to t do also (insert into a values (1); delete from b;);",
    ] {
        assert_eq!(count(text), 1, "{text}");
    }
}

#[test]
fn an_atomic_body_is_one_statement_up_to_its_own_end() {
    let body = "begin atomic
        select case when a then case b when 1 then 2 end else 3 end, t.end, 1 as end, 2 end;
        ; insert into u values (1);
    end";
    for head in [
        "create function f() returns int",
        "CREATE OR REPLACE PROCEDURE f(a int)",
    ] {
        assert_eq!(count(&format!("{head} {body}; select 1;")), 2);
        assert_eq!(count(&format!("{head} language sql {body}")), 1);
    }
    assert_eq!(count("create function f() begin atomic end; select 1"), 2);
}

#[test]
fn begin_is_an_ordinary_word_elsewhere() {
    assert_eq!(count("begin; select 1; end;"), 3);
    assert_eq!(
        count("create function begin(atomic int) returns int return 1; select 1;"),
        2
    );
    assert_eq!(
        count("create table begin (a int); create function f() as $$ begin atomic $$; select 1"),
        3
    );
}

#[test]
fn what_is_never_closed_is_pointed_at_where_it_opens() {
    for (text, place) in [
        ("select 1;\n select 'a;\n", (2, 9)),
        ("select \"a", (1, 8)),
        ("/* a /* b */", (1, 1)),
        ("select $x$ a $y$", (1, 8)),
        ("select E'\\'", (1, 8)),
        ("select (1;\nselect 2;", (1, 8)),
        ("create function f() begin atomic select 1;", (1, 21)),
    ] {
        let (error, found) = refusal(text);
        assert!(error.contains("never closed"), "{error}");
        assert_eq!(found, place, "{text}");
    }
}

#[test]
fn psql_commands_are_refused_with_their_place() {
    for (text, place) in [
        ("select 1;\n\\echo it's\n", (2, 1)),
        ("select 1 \\gset\n", (1, 10)),
        ("\\i other.sql", (1, 1)),
        ("\\", (1, 1)),
        ("\\unrestrict a\n", (1, 1)),
        ("\\restrict a'b\n", (1, 1)),
        ("\\restrict a\nselect 1;", (1, 1)),
        ("\\restrict a\n\\unrestrict b\n", (2, 1)),
        ("select 1\n\\restrict a\n", (2, 1)),
    ] {
        assert_eq!(refusal(text).1, place, "{text}");
    }
}

#[test]
fn the_restrict_pair_of_a_dump_is_dropped_and_positions_stay() {
    let text = "--\n\\restrict aB3\n\nselect 1;\n\\unrestrict aB3\n";
    let script = script(text);
    assert_eq!(script.statements.len(), 1);
    assert_eq!(script.statements[0].text, "select 1;");
    let sendable = script.sendable(text);
    assert_eq!(sendable.len(), text.len());
    assert!(!sendable.contains('\\') && sendable.contains("select 1;"));
}

#[test]
fn copying_through_the_client_is_refused_and_copying_a_file_is_not() {
    let (error, place) = refusal("select 1;\nCOPY t (a) FROM stdin;\n1\tit's\n\\.\n");
    assert!(error.contains("copies"), "{error}");
    assert_eq!(place, (2, 17));
    assert_eq!(
        refusal("copy (select 1) to stdout with (format csv)").1,
        (1, 20)
    );
    assert_eq!(
        count("copy t from '/a/stdin'; copy (select 1 from stdin) to '/b';"),
        2
    );
}

#[test]
fn a_nul_byte_is_refused_with_its_place() {
    assert_eq!(refusal("select 1;\nselect 'a\0'").1, (2, 10));
}

/// What random texts are made of.
const PIECES: [&str; 40] = [
    "'",
    "''",
    "\"",
    "$$",
    "$a$",
    "$a",
    "$1",
    "E'",
    "U&'",
    "\\",
    "\\'",
    "--",
    "\n",
    "\r",
    "/*",
    "*/",
    ";",
    ";",
    "(",
    ")",
    " ",
    "begin",
    "atomic",
    "end",
    "create",
    "function",
    "or replace",
    "case",
    "a",
    "ש",
    "\u{1F600}",
    "\\restrict a",
    "copy t from stdin",
    "1",
    ".",
    "e",
    "\u{feff}",
    "*",
    "+",
    "::",
];

#[test]
fn any_text_is_split_without_loss_or_refused_and_never_panics() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut kept = 0;
    for _ in 0..60_000 {
        let mut text = String::new();
        for _ in 0..state % 24 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let piece = usize::try_from(state % PIECES.len() as u64).unwrap();
            text.push_str(PIECES[piece]);
            if state & 0x300 == 0 {
                text.push(' ');
            }
        }
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        match split(Source {
            path: "x.sql",
            text: &text,
        }) {
            Ok(script) => {
                check_lossless(&text, &script);
                kept += 1;
            }
            Err(failure) => {
                let excerpt = failure.excerpt.unwrap();
                assert!(text.get(excerpt.span).is_some(), "{text}");
            }
        }
    }
    assert!(kept > 1_000, "{kept}");
}

/// Well-formed pieces in which a semicolon, a quote or a comment sign is not what it seems.
const PARTS: [&str; 22] = [
    "'a;b'",
    "'it''s -- no'",
    "E'\\';/*'",
    "U&'\\0061;'",
    "E'a\\\\'",
    "$$a;b$$",
    "$q$ $$ ; $$ 'x $q$",
    "$ש$;$ש$",
    "cypher('g', $$ MATCH (n) WHERE n.a = ';' RETURN n $$)",
    "\"a;\"\"b\"",
    "/* ; /* ' */ $$ */",
    "-- ; ' $$\n",
    "(a, b)",
    "a<-- c;\n-1",
    "@-",
    "CASE WHEN a THEN b END",
    "1.5e3",
    "a.b::text",
    "x'1F'",
    "n'a;'",
    "$1",
    "'a'\n'b;'",
];

#[test]
fn generated_statements_are_found_one_by_one_and_nothing_is_lost() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    for _ in 0..20_000 {
        let statements = 1 + next(5);
        let mut text = String::new();
        for _ in 0..statements {
            text.push_str(match next(4) {
                0 => "SELECT ",
                1 => "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN a THEN 2 END; END ",
                2 => "UPDATE t SET a = ",
                _ => "/* ; */ INSERT INTO t VALUES ",
            });
            for _ in 0..next(6) {
                text.push_str(PARTS[next(PARTS.len())]);
                text.push_str([" ", "\n", "\t", "\r\n"][next(4)]);
            }
            text.push_str([";", " ;\n", ";-- rest ;\n", "\n;"][next(4)]);
        }
        let script = script(&text);
        check_lossless(&text, &script);
        assert_eq!(script.statements.len(), statements, "{text}");
    }
}

#[test]
fn forty_thousand_statements_and_a_line_of_five_megabytes_take_linear_time() {
    let many = "INSERT INTO t (a, b) VALUES (1, 'it''s'); -- c\n".repeat(40_000);
    let long = format!("SELECT '{}';", "x ".repeat(2_500_000));
    let wide = format!("SELECT {}1;", "1,".repeat(2_500_000));
    for (text, statements) in [(many, 40_000), (long, 1), (wide, 1)] {
        let start = std::time::Instant::now();
        assert_eq!(script(&text).statements.len(), statements);
        let elapsed = start.elapsed();
        assert!(elapsed.as_secs() < 10, "{elapsed:?}");
    }
}

/// How a statement may begin, and what may be typed where a blank stands.
const LEADS: [&str; 4] = [
    "SELECT ",
    "UPDATE t SET a = ",
    "INSERT INTO t VALUES ",
    "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN a THEN 2 END; END ",
];
const BLANKS: [&str; 6] = [
    " ",
    "\n",
    "\t",
    "\r\n",
    " /* ; ' $$ /* ; */ */ ",
    " -- ; ' $$ /*\n",
];

fn generated(seed: Vec<(&'static str, Vec<(&'static str, &'static str)>)>, plain: bool) -> String {
    let mut text = String::new();
    for (lead, parts) in seed {
        text.push_str(lead);
        for (part, blank) in parts {
            text.push_str(part);
            text.push_str(if plain { "\n" } else { blank });
        }
        text.push(';');
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_split_joins_to_the_input_or_is_refused_in_its_place(
        pieces in vec(prop_oneof![select(&PIECES[..]).prop_map(str::to_owned), any::<String>()], 0..24),
    ) {
        let text = pieces.concat();
        match split(Source { path: "x.sql", text: &text }) {
            Ok(script) => check_lossless(&text, &script),
            Err(failure) => {
                let span = failure.excerpt.map(|excerpt| excerpt.span);
                prop_assert!(span.is_some_and(|span| text.get(span).is_some()));
            }
        }
    }

    #[test]
    fn comments_between_words_change_no_statement(
        seed in vec((select(&LEADS[..]), vec((select(&PARTS[..]), select(&BLANKS[..])), 0..6)), 1..6),
    ) {
        let wanted = seed.len();
        for plain in [true, false] {
            let text = generated(seed.clone(), plain);
            let script = script(&text);
            check_lossless(&text, &script);
            prop_assert_eq!(script.statements.len(), wanted, "{}", text);
        }
    }
}
