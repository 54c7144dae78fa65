//! SQL that stands in another statement's text: in a DO block, in a function's body, in what EXECUTE is given.
//!
//! It finds what is literal there. What a body puts together when it runs cannot be seen, and is told.
//! PL/pgSQL is read by its words alone: a command begins where a PL/pgSQL statement may begin.

use std::borrow::Cow;

use super::Source;
use super::split::{Statement, split};
use super::token::{Kind, tokens};

/// How a statement inside another one comes to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runs {
    /// With the statement around it: in a DO block.
    AtOnce,
    /// With the statement around it; its names are put in then, and stand here as `"%I"`.
    AtOnceNamedLater,
    /// When somebody calls the function.
    WhenCalled,
}

/// What stands in a statement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Body {
    /// Statements, and how each comes to run. Their places are in the text that holds the outer statement; those
    /// in a constant with escapes are at the constant.
    pub statements: Vec<(Statement, Runs)>,
    /// Where something runs that is put together only then. Units: bytes of the whole text.
    pub unseen: Vec<usize>,
}

/// Bodies in bodies are looked into this deep.
const DEPTH_MAX: u8 = 4;

/// The words that begin what is looked for.
const COMMANDS: &[&str] = &[
    "ALTER", "CREATE", "DELETE", "DROP", "GRANT", "INSERT", "LOCK", "MERGE", "PERFORM", "REFRESH",
    "REINDEX", "REVOKE", "SELECT", "SET", "TRUNCATE", "UPDATE", "WITH",
];

/// The words after which a PL/pgSQL statement begins.
const OPENERS: &[&str] = &["BEGIN", "THEN", "ELSE", "LOOP"];

/// What stands in `statement`. Empty for one that is neither a DO block nor makes a routine.
pub fn inside(statement: &Statement) -> Body {
    let mut found = Body::default();
    if !["DO", "CREATE"].contains(&statement.keyword.as_str()) {
        return found;
    }
    look(statement, Runs::AtOnce, true, DEPTH_MAX, &mut found);
    found
}

fn look(statement: &Statement, runs: Runs, exact: bool, depth: u8, found: &mut Body) {
    let text = &statement.text;
    let items = items(text);
    let is = |at: usize, word: &str| items.get(at).is_some_and(|item| item.is(word));
    let block = is(0, "DO");
    let create = is(0, "CREATE") && (1..=4).any(|at| is(at, "FUNCTION") || is(at, "PROCEDURE"));
    if depth == 0 || !(block || create) {
        return;
    }
    let runs = if block { runs } else { Runs::WhenCalled };
    let language = items
        .windows(2)
        .find(|two| two[0].is("LANGUAGE"))
        .map_or("plpgsql".to_owned(), |two| {
            two[1].text.trim_matches(['\'', '"']).to_ascii_lowercase()
        });
    let place = |at: usize| {
        if exact {
            statement.body.start + at
        } else {
            statement.body.start
        }
    };
    // BEGIN ATOMIC … END: the body is SQL and no constant.
    if let Some(two) = items
        .windows(2)
        .find(|two| two[0].is("BEGIN") && two[1].is("ATOMIC"))
    {
        let begin = two[1].at + two[1].text.len();
        let end = items.iter().rev().find(|item| item.is("END"));
        let code = &text[begin..end.map_or(text.len(), |item| item.at.max(begin))];
        let code = Code {
            text: Cow::Borrowed(code),
            at: place(begin),
            exact,
            runs,
            depth,
        };
        return code.sql(found);
    }
    let constant = items
        .iter()
        .enumerate()
        .find(|(at, item)| item.kind == Kind::Text && (block || *at > 0 && is(at - 1, "AS")));
    let Some((_, constant)) = constant else {
        return;
    };
    let Some(content) = Content::of(constant.text) else {
        return found.unseen.push(place(constant.at));
    };
    let code = Code {
        at: place(constant.at + content.from),
        exact: exact && content.exact,
        text: content.text,
        runs,
        depth,
    };
    match language.as_str() {
        "sql" => code.sql(found),
        "plpgsql" => code.plpgsql(found),
        // Another language's statements are constants of its own.
        _ => found.unseen.push(place(constant.at)),
    }
}

/// A token with a meaning.
struct Item<'a> {
    kind: Kind,
    text: &'a str,
    at: usize,
}

impl Item<'_> {
    fn is(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    fn among(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }
}

fn items(text: &str) -> Vec<Item<'_>> {
    tokens(text)
        .filter(|token| !token.kind.is_trivia())
        .map(|token| Item {
            kind: token.kind,
            at: token.span.start,
            text: &text[token.span],
        })
        .collect()
}

/// What a constant says.
struct Content<'a> {
    text: Cow<'a, str>,
    /// Where it begins in the constant. Units: bytes.
    from: usize,
    /// It stands there as it is, without escapes.
    exact: bool,
}

impl<'a> Content<'a> {
    /// Nothing for a constant with backslash escapes.
    fn of(constant: &'a str) -> Option<Self> {
        if let Some(rest) = constant.strip_prefix('$') {
            let tag = rest.find('$')? + 2;
            let text = Cow::Borrowed(constant.get(tag..constant.len() - tag)?);
            return Some(Self {
                text,
                from: tag,
                exact: true,
            });
        }
        let text = constant.strip_prefix('\'')?.strip_suffix('\'')?;
        let exact = !text.contains('\'');
        let text = match exact {
            true => Cow::Borrowed(text),
            false => Cow::Owned(text.replace("''", "'")),
        };
        Some(Self {
            text,
            from: 1,
            exact,
        })
    }
}

/// A body's text.
struct Code<'a> {
    text: Cow<'a, str>,
    /// Where it begins in the whole text.
    at: usize,
    exact: bool,
    runs: Runs,
    depth: u8,
}

impl Code<'_> {
    /// Statements, one after the other.
    fn sql(&self, found: &mut Body) {
        let source = Source {
            path: "",
            text: &self.text,
        };
        match split(source) {
            Ok(script) => {
                for one in script.statements {
                    self.add(one.body.start, &one.text, found);
                }
            }
            Err(_) => found.unseen.push(self.at),
        }
    }

    /// PL/pgSQL: a command from where it may begin to its semicolon.
    fn plpgsql(&self, found: &mut Body) {
        let items = items(&self.text);
        let (mut begins, mut declares, mut at) = (true, false, 0);
        while at < items.len() {
            let item = &items[at];
            if item.is("DECLARE") {
                declares = true;
            } else if item.is("BEGIN") {
                declares = false;
            }
            if begins && !declares && (item.is("EXECUTE") || item.among(COMMANDS)) {
                let end = (at..items.len()).find(|end| items[*end].kind == Kind::Semicolon);
                let end = end.unwrap_or(items.len());
                if item.is("EXECUTE") {
                    self.execute(&items[at + 1..end], item.at, found);
                } else {
                    let stop = items.get(end).map_or(self.text.len(), |item| item.at + 1);
                    self.add(item.at, &self.text[item.at..stop], found);
                }
                at = end;
                continue;
            }
            begins = item.kind == Kind::Semicolon || item.among(OPENERS);
            at += 1;
        }
    }

    /// `EXECUTE 'text' …` and `EXECUTE format('text', …) …`.
    fn execute(&self, given: &[Item<'_>], begin: usize, found: &mut Body) {
        let unseen = self.at + if self.exact { begin } else { 0 };
        let qualified = given.len() > 2 && given[0].is("pg_catalog");
        let call = if qualified { &given[2..] } else { given };
        let format = call.first().is_some_and(|item| item.is("format"));
        let text = if format { call.get(2) } else { given.first() };
        let alone = format
            || given
                .get(1)
                .is_none_or(|next| next.among(&["USING", "INTO"]));
        let content = text
            .filter(|item| item.kind == Kind::Text && alone)
            .and_then(|item| Some((item, Content::of(item.text)?)));
        let Some((item, content)) = content else {
            return found.unseen.push(unseen);
        };
        let filled = if format {
            named_later(&content.text)
        } else {
            content.text
        };
        // What it does depends on what is put in.
        let named = matches!(&filled, Cow::Owned(text) if text.contains("\"%"));
        let first = items(&filled)
            .first()
            .map(|item| item.text.to_ascii_uppercase());
        let calls = ["SELECT", "PERFORM"];
        if !first.is_some_and(|word| {
            (COMMANDS.contains(&&*word) || word == "DO") && !(named && calls.contains(&&*word))
        }) {
            return found.unseen.push(unseen);
        }
        let code = Code {
            at: self.at
                + if self.exact {
                    item.at + content.from
                } else {
                    0
                },
            exact: self.exact && content.exact && matches!(filled, Cow::Borrowed(_)),
            text: filled,
            runs: match self.runs {
                Runs::AtOnce if named => Runs::AtOnceNamedLater,
                runs => runs,
            },
            depth: self.depth,
        };
        code.sql(found);
    }

    fn add(&self, at: usize, text: &str, found: &mut Body) {
        let start = self.at + if self.exact { at } else { 0 };
        let text = text.trim_end();
        // What only PL/pgSQL knows.
        let text = match text.get(..7) {
            Some(word) if word.eq_ignore_ascii_case("PERFORM") => format!("SELECT {}", &text[7..]),
            _ => text.to_owned(),
        };
        let statement = Statement {
            span: start..start + text.len(),
            body: start..start + text.len(),
            line: 0,
            keyword: items(&text)
                .first()
                .map_or(String::new(), |item| item.text.to_ascii_uppercase()),
            text,
        };
        let inner = statement.clone();
        found.statements.push((statement, self.runs));
        look(&inner, self.runs, self.exact, self.depth - 1, found);
    }
}

/// A template of `format` with what is put in as names and constants that say so.
fn named_later(template: &str) -> Cow<'_, str> {
    if !template.contains('%') {
        return Cow::Borrowed(template);
    }
    let mut text = String::new();
    let mut rest = template;
    while let Some(at) = rest.find('%') {
        text.push_str(&rest[..at]);
        let behind =
            rest[at + 1..].trim_start_matches(|c: char| c.is_ascii_digit() || "$-*".contains(c));
        let mut chars = behind.chars();
        match chars.next() {
            Some('L') => text.push_str("'%L'"),
            Some('I') => text.push_str("\"%I\""),
            Some('s') => text.push_str("\"%s\""),
            Some('%') => text.push('%'),
            _ => {}
        }
        rest = chars.as_str();
    }
    text.push_str(rest);
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> (Vec<(String, Runs)>, usize) {
        let script = split(Source { path: "f", text }).unwrap();
        let found = inside(&script.statements[0]);
        for (statement, _) in &found.statements {
            assert!(text.is_char_boundary(statement.body.start), "{statement:?}");
        }
        let statements = found.statements.into_iter();
        (
            statements.map(|(one, runs)| (one.text, runs)).collect(),
            found.unseen.len(),
        )
    }

    #[test]
    fn a_blocks_commands_are_found_where_a_statement_may_begin() {
        let (found, unseen) = of(
            "DO $$ DECLARE drop text; BEGIN IF a THEN ALTER TABLE t ADD c int; ELSE PERFORM f(1); END IF;
             x := CASE WHEN y THEN 1 ELSE 2 END; FOR i IN 1..2 LOOP DELETE FROM t WHERE u; END LOOP; END $$;",
        );
        let texts: Vec<&str> = found.iter().map(|(text, _)| text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "ALTER TABLE t ADD c int;",
                "SELECT  f(1);",
                "DELETE FROM t WHERE u;"
            ]
        );
        assert!(found.iter().all(|(_, runs)| *runs == Runs::AtOnce));
        assert_eq!(unseen, 0);
    }

    #[test]
    fn what_is_executed_is_seen_where_it_is_a_constant() {
        let (found, unseen) = of(
            "DO $$ BEGIN EXECUTE 'DROP TABLE ''a'''; EXECUTE format('ALTER TABLE %I.%I DISABLE ROW LEVEL SECURITY', s, t);
             EXECUTE 'DROP TABLE ' || t; EXECUTE pg_catalog.format('%s', x); EXECUTE q; END $$",
        );
        assert_eq!(
            found,
            [
                ("DROP TABLE 'a'".to_owned(), Runs::AtOnce),
                (
                    "ALTER TABLE \"%I\".\"%I\" DISABLE ROW LEVEL SECURITY".to_owned(),
                    Runs::AtOnceNamedLater
                ),
            ]
        );
        assert_eq!(unseen, 3);
    }

    #[test]
    fn a_functions_body_runs_when_it_is_called() {
        for text in [
            "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'DELETE FROM t; GRANT SELECT ON t TO PUBLIC'",
            "CREATE OR REPLACE FUNCTION f() RETURNS void LANGUAGE sql BEGIN ATOMIC DELETE FROM t; GRANT SELECT ON t TO PUBLIC; END",
            "CREATE PROCEDURE f() AS $p$ BEGIN DELETE FROM t; GRANT SELECT ON t TO PUBLIC; END $p$ LANGUAGE plpgsql",
        ] {
            let (found, _) = of(text);
            assert_eq!(found.len(), 2, "{text}: {found:?}");
            assert!(
                found.iter().all(|(_, runs)| *runs == Runs::WhenCalled),
                "{text}"
            );
        }
    }

    #[test]
    fn a_function_in_a_block_in_a_constant_is_found_too() {
        let (found, _) = of(
            "DO $d$ BEGIN EXECUTE 'CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $f$ DROP TABLE t $f$'; END $d$",
        );
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[1].1, Runs::WhenCalled);
    }
}
