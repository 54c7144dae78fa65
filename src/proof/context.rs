//! Which setting an expression is the value of: `current_setting`, under casts and NULLIF, or a
//! function whose body is nothing else.

use crate::posture::expr::{self, Expr};
use crate::posture::scene::Scene;
use crate::posture::{Function, tree};

/// The setting whose value the expression is, if it is one and nothing but one.
pub(super) fn setting(scene: &Scene<'_>, expr: &Expr) -> Option<String> {
    match expr {
        Expr::Cast(_, inner) => setting(scene, inner),
        Expr::NullIf(operator, items) => {
            let empty = items.get(1).and_then(Expr::as_text).as_deref() == Some("");
            let plain = scene
                .posture
                .facts("equality")
                .any(|fact| fact.oid == *operator);
            (empty && plain)
                .then(|| setting(scene, items.first()?))
                .flatten()
        }
        Expr::Call(function, arguments) if scene.readers.contains(function) => {
            arguments.first()?.as_text()
        }
        Expr::Call(function, arguments) if arguments.is_empty() => {
            let function = scene.posture.function(*function)?;
            let safe = function.volatility == 's' && !function.definer && !function.leakproof;
            safe.then(|| of_body(scene, function)).flatten()
        }
        _ => None,
    }
}

fn of_body(scene: &Scene<'_>, function: &Function) -> Option<String> {
    if let Some(text) = &function.tree {
        return setting(scene, &body(text)?);
    }
    let text = function.body.as_deref()?;
    match function.language.as_str() {
        "sql" => of_sql(text),
        "plpgsql" => of_plpgsql(text),
        _ => None,
    }
}

/// The expression that a function with a parsed body (`RETURN …`, `BEGIN ATOMIC SELECT …; END`) gives.
pub(super) fn body(text: &str) -> Option<Expr> {
    let mut node = &tree::parse(text)?;
    while let tree::Node::List(items) = node {
        let [only] = items.as_slice() else {
            return None;
        };
        node = only;
    }
    let from = node.value("jointree")?;
    let bare = from.list("fromlist").is_empty()
        && from
            .value("quals")
            .is_none_or(|quals| quals.tag().is_empty());
    let [target] = node.list("targetList") else {
        return None;
    };
    bare.then(|| target.value("expr").map(expr::read)).flatten()
}

/// `SELECT <context>` as text.
fn of_sql(text: &str) -> Option<String> {
    let mut words = words(text);
    while words.last().is_some_and(|word| word == ";") {
        words.pop();
    }
    match words.split_first() {
        Some((first, rest)) if first == "select" || first == "return" => whole(rest),
        _ => None,
    }
}

/// `BEGIN RETURN <context>; END` as text.
fn of_plpgsql(text: &str) -> Option<String> {
    let words = words(text);
    let inside = words.strip_prefix(&["begin".to_owned(), "return".to_owned()])?;
    let end = inside.iter().position(|word| word == ";")?;
    let after: Vec<&str> = inside[end + 1..]
        .iter()
        .map(String::as_str)
        .filter(|word| *word != ";")
        .collect();
    (after == ["end"]).then(|| whole(&inside[..end])).flatten()
}

fn whole(words: &[String]) -> Option<String> {
    let (setting, rest) = context(words)?;
    rest.is_empty().then_some(setting)
}

/// context := ( context ) | nullif ( context , '' ) | current_setting ( 'name' [, true] ), then :: type.
fn context(words: &[String]) -> Option<(String, &[String])> {
    let (first, rest) = words.split_first()?;
    let (setting, mut rest) = match first.as_str() {
        "(" => {
            let inner = rest.strip_prefix(&["select".to_owned()]).unwrap_or(rest);
            let (setting, rest) = context(inner)?;
            (setting, expect(rest, ")")?)
        }
        "nullif" => {
            let (setting, rest) = context(expect(rest, "(")?)?;
            (setting, expect(expect(expect(rest, ",")?, "''")?, ")")?)
        }
        "current_setting" => {
            let (name, rest) = expect(rest, "(")?.split_first()?;
            let name = name.strip_prefix('\'')?.strip_suffix('\'')?;
            let rest = match expect(rest, ",") {
                Some(rest) => expect(rest, "true")?,
                None => rest,
            };
            (name.to_owned(), expect(rest, ")")?)
        }
        _ => return None,
    };
    while let Some(after) = expect(rest, "::") {
        rest = after.split_first()?.1;
    }
    Some((setting, rest))
}

fn expect<'a>(words: &'a [String], wanted: &str) -> Option<&'a [String]> {
    words
        .split_first()
        .filter(|(first, _)| *first == wanted)
        .map(|(_, rest)| rest)
}

/// The words of a text: names in lower case without PostgreSQL's own schema, literals in quotes, marks.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c.is_whitespace() {
            continue;
        }
        let mut word = c.to_string();
        if c == '\'' {
            for c in chars.by_ref() {
                word.push(c);
                if c == '\'' {
                    break;
                }
            }
        } else if c.is_alphanumeric() || c == '_' {
            while let Some(c) = chars.next_if(|c| c.is_alphanumeric() || matches!(c, '_' | '.')) {
                word.push(c);
            }
            word = word.to_lowercase();
            word = word.strip_prefix("pg_catalog.").unwrap_or(&word).to_owned();
        } else if c == ':' && chars.next_if_eq(&':').is_some() {
            word.push(':');
        }
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_is_nothing_but_a_setting_is_read() {
        for text in [
            "SELECT NULLIF(current_setting('app.t', true), '')::uuid",
            " select pg_catalog.current_setting('app.t')::text::pg_catalog.uuid ; ",
            "SELECT (nullif((SELECT current_setting('app.t', TRUE)), ''))::uuid",
        ] {
            assert_eq!(of_sql(text).as_deref(), Some("app.t"), "{text}");
        }
        assert_eq!(
            of_plpgsql("BEGIN\n RETURN current_setting('app.t', true)::uuid;\nEND;").as_deref(),
            Some("app.t")
        );
    }

    #[test]
    fn a_body_with_anything_else_is_not() {
        for text in [
            "SELECT COALESCE(NULLIF(current_setting('app.t', true), ''), '0')::uuid",
            "SELECT current_setting('app.t', true)::uuid FROM x",
            "SELECT current_setting('app.t', true) || ''",
            "SELECT evil.current_setting('app.t', true)",
            "SELECT current_setting('app.t', true)::uuid; SELECT 1",
        ] {
            assert_eq!(of_sql(text), None, "{text}");
        }
        assert_eq!(
            of_plpgsql("DECLARE x int; BEGIN RETURN current_setting('a'); END"),
            None
        );
    }
}
