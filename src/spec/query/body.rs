//! Whether a query's text keeps what its header says about parameters and constants.

use std::ops::Range;

use super::{Language, Query};
use crate::failure::Result;
use crate::sql::Source;
use crate::sql::split::split;
use crate::sql::token::{Kind, tokens};

/// Types of Cypher parameters: the ontology's, and `agtype` for any value.
pub(super) const CYPHER_TYPES: [&str; 9] = [
    "uuid", "string", "int", "float", "bool", "url", "datetime", "array", "agtype",
];

pub(super) fn check(query: &Query) -> Result<()> {
    let document = &query.document;
    let repeated = query.parameters.iter().enumerate().find(|(at, parameter)| {
        query.parameters[..*at]
            .iter()
            .any(|other| other.name == parameter.name)
    });
    if let Some((_, parameter)) = repeated {
        return Err(document.failure(
            parameter.span.clone(),
            format!("parameter \"{}\" was given twice", parameter.name),
        ));
    }
    if query.language == Language::Sql {
        check_one_statement(query)?;
    }
    let used = parameters(query);
    let declared: Vec<String> = match query.language {
        Language::Cypher => query
            .parameters
            .iter()
            .map(|parameter| parameter.name.clone())
            .collect(),
        Language::Sql => (1..=query.parameters.len())
            .map(|number| number.to_string())
            .collect(),
    };
    if let Some((name, span)) = used.iter().find(|(name, _)| !declared.contains(name)) {
        return Err(document
            .failure(
                span.clone(),
                format!("parameter ${name} is used and not declared"),
            )
            .hint("Add it to `parameters:`."));
    }
    for (parameter, name) in query.parameters.iter().zip(&declared) {
        if used.iter().all(|(used, _)| used != name) {
            return Err(document.failure(
                parameter.span.clone(),
                format!("parameter ${name} is declared and not used"),
            ));
        }
    }
    for constant in &query.constants {
        if !query.text().contains(&format!("{{{}}}", constant.name)) {
            return Err(document.failure(
                constant.span.clone(),
                format!("constant {{{}}} is declared and not used", constant.name),
            ));
        }
    }
    Ok(())
}

fn check_one_statement(query: &Query) -> Result<()> {
    let document = &query.document;
    let script = split(Source {
        path: &document.path,
        text: &document.text,
    })?;
    match script.statements.as_slice() {
        [_] => Ok(()),
        [] => Err(document.failure(
            query.body.clone(),
            format!("\"{}\" has no statement", document.path),
        )),
        [_, second, ..] => Err(document.failure(
            second.body.clone(),
            format!("\"{}\" has more than one statement", document.path),
        )),
    }
}

/// The parameters in the text: `$name` in Cypher, `$1` in SQL; with places. Units: bytes of the file.
fn parameters(query: &Query) -> Vec<(String, Range<usize>)> {
    let (text, from) = (query.text(), query.body.start);
    let moved = |span: Range<usize>| from + span.start..from + span.end;
    match query.language {
        Language::Sql => tokens(text)
            .filter(|token| token.kind == Kind::Value && text[token.span.clone()].starts_with('$'))
            .map(|token| {
                (
                    text[token.span.start + 1..token.span.end].to_owned(),
                    moved(token.span),
                )
            })
            .collect(),
        Language::Cypher => cypher_parameters(text)
            .into_iter()
            .map(|span| (text[span.start + 1..span.end].to_owned(), moved(span)))
            .collect(),
    }
}

/// `$name` outside of constants, quoted names and comments.
fn cypher_parameters(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at = match byte {
            b'\'' | b'"' | b'`' => closing(bytes, at),
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                text[at..].find('\n').map_or(text.len(), |end| at + end)
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => text[at + 2..]
                .find("*/")
                .map_or(text.len(), |end| at + end + 4),
            b'$' => {
                let word = bytes[at + 1..]
                    .iter()
                    .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_');
                let end = at + 1 + word.count();
                found.push(at..end);
                end
            }
            _ => at + 1,
        };
    }
    found
}

/// Behind the quote that closes the one at `at`; a backslash hides the next byte.
fn closing(bytes: &[u8], at: usize) -> usize {
    let mut here = at + 1;
    while let Some(byte) = bytes.get(here) {
        match byte {
            b'\\' => here += 1,
            byte if *byte == bytes[at] => return here + 1,
            _ => {}
        }
        here += 1;
    }
    bytes.len()
}
