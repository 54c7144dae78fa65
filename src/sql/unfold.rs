//! A script's statements with those that stand in them: in DO blocks, in constants that are executed, and in the
//! bodies of functions that the script makes and then calls.

use std::collections::BTreeSet;

use super::body::{Runs, inside};
use super::reader::Reader;
use super::split::Statement;
use super::token::{Kind, identifier, tokens};

/// A statement that stands in another one's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inner {
    /// The script's statement with which it runs, or would, as an index. That of a function's body is the call's
    /// where the script calls it, and that which makes the function else.
    pub outer: usize,
    /// The statement. Its place is in the script's text, where it stands.
    pub statement: Statement,
    /// How it comes to run.
    pub runs: Runs,
}

/// A routine that the script makes.
struct Routine {
    name: String,
    body: Vec<Statement>,
}

/// What can call a routine when it runs. Others only name it.
const CALLERS: [&str; 9] = [
    "SELECT", "CALL", "DO", "WITH", "INSERT", "UPDATE", "DELETE", "VALUES", "MERGE",
];

/// What stands in the statements of a script. Shape: by the statement with which it runs. What a function that was
/// there before does when it is called is not looked for.
pub fn unfold(statements: &[Statement]) -> Vec<Inner> {
    let mut all = Vec::new();
    let mut routines: Vec<Routine> = Vec::new();
    for (outer, statement) in statements.iter().enumerate() {
        let body = inside(statement).statements;
        if statement.keyword == "CREATE"
            && let Some(name) = routine(statement)
        {
            let body = body.iter().map(|(one, _)| one.clone()).collect();
            routines.retain(|one| one.name != name);
            routines.push(Routine { name, body });
        }
        if CALLERS.contains(&statement.keyword.as_str()) && !routines.is_empty() {
            let mut texts = vec![statement.text.clone()];
            texts.extend(body.iter().map(|(one, _)| one.text.clone()));
            let mut seen = BTreeSet::new();
            for statement in called(&routines, texts, &mut seen) {
                let runs = match statement.text.contains("\"%") {
                    true => Runs::AtOnceNamedLater,
                    false => Runs::AtOnce,
                };
                all.push(Inner {
                    outer,
                    statement,
                    runs,
                });
            }
        }
        all.extend(body.into_iter().map(|(statement, runs)| Inner {
            outer,
            statement,
            runs,
        }));
    }
    all
}

/// The bodies of all routines that `texts` call, and that those call.
fn called(
    routines: &[Routine],
    mut texts: Vec<String>,
    seen: &mut BTreeSet<String>,
) -> Vec<Statement> {
    let mut found = Vec::new();
    while let Some(text) = texts.pop() {
        let names = names_called(&text);
        for routine in routines {
            if names.contains(&routine.name) && seen.insert(routine.name.clone()) {
                texts.extend(routine.body.iter().map(|one| one.text.clone()));
                found.extend(routine.body.iter().cloned());
            }
        }
    }
    found
}

/// The last part of every name that an opening parenthesis follows; in a DO block, also within its body.
fn names_called(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut before = None;
    for token in tokens(text).filter(|token| !token.kind.is_trivia()) {
        let part = &text[token.span.clone()];
        if token.kind == Kind::Open {
            names.extend(before.take());
        }
        if let (Kind::Text, Some(body)) = (token.kind, block(text, part)) {
            names.extend(names_called(body));
        }
        before = identifier(token.kind, part);
    }
    names
}

/// The body of a DO block that is a dollar-quoted constant.
fn block<'a>(text: &str, constant: &'a str) -> Option<&'a str> {
    let first = text.trim_start().get(..2)?;
    let tag = constant.strip_prefix('$')?.find('$')? + 2;
    first.eq_ignore_ascii_case("DO").then_some(())?;
    constant.get(tag..constant.len().checked_sub(tag)?)
}

/// The last part of the name of the routine that a statement makes.
fn routine(statement: &Statement) -> Option<String> {
    let mut reader = Reader::new(&statement.text);
    let created = reader.skip(&["CREATE"]);
    reader.skip(&["OR", "REPLACE"]);
    let one = created && (reader.skip(&["FUNCTION"]) || reader.skip(&["PROCEDURE"]));
    let name = one.then(|| reader.name())??;
    let last = tokens(&name)
        .filter(|token| !token.kind.is_trivia())
        .last()?;
    identifier(last.kind, &name[last.span])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::Source;
    use crate::sql::split::split;

    fn of(text: &str) -> Vec<(usize, String, Runs)> {
        let script = split(Source { path: "f", text }).unwrap();
        let all = unfold(&script.statements);
        all.into_iter()
            .map(|one| (one.outer, one.statement.text, one.runs))
            .collect()
    }

    #[test]
    fn a_function_runs_where_the_script_calls_it() {
        let make =
            "CREATE FUNCTION app.Purge() RETURNS void LANGUAGE sql AS $f$ DROP TABLE t; $f$;";
        for call in [
            "SELECT app.purge();",
            "DO $$ BEGIN PERFORM app.purge(); END $$;",
            "DO $$ DECLARE x int; BEGIN x := app.purge(); END $$;",
            "CREATE FUNCTION g() RETURNS void LANGUAGE sql AS 'SELECT purge()'; SELECT g();",
        ] {
            let found = of(&format!("{make}\n{call}"));
            let last = found.iter().map(|one| one.0).max();
            let wanted = |one: &(usize, String, Runs)| {
                Some(one.0) == last && one.1 == "DROP TABLE t;" && one.2 == Runs::AtOnce
            };
            assert!(found.iter().any(wanted), "{call}: {found:?}");
        }
        for named in [
            "REVOKE ALL ON FUNCTION app.purge() FROM PUBLIC;",
            "CREATE TRIGGER p AFTER INSERT ON t EXECUTE FUNCTION app.purge();",
            "SELECT 'purge()';",
        ] {
            let found = of(&format!("{make}\n{named}"));
            assert_eq!(found.len(), 1, "{named}: {found:?}");
            assert_eq!(found[0].2, Runs::WhenCalled);
        }
    }
}
