//! The values of a query's header.

use super::header::{Part, is_word, marker};
use super::{Column, Constant, LabelKind, Language, Parameter, body};
use crate::failure::Result;
use crate::spec::document::Document;

/// Joins the lines of `about` without their comment signs.
pub(super) fn about(document: &Document, language: Language, part: &Part<'_>) -> String {
    let lines = document.text[part.span.clone()].lines();
    let lines = lines.map(|line| line.strip_prefix(marker(language)).unwrap_or(line).trim());
    lines.collect::<Vec<_>>().join(" ")
}

pub(super) fn constant(document: &Document, part: &Part<'_>) -> Result<Constant> {
    let words: Vec<&str> = part.text.split_whitespace().collect();
    let (name, kind, example) = match words.as_slice() {
        [name, "vertex_label", example] if is_word(name) => (name, LabelKind::Vertex, example),
        [name, "edge_label", example] if is_word(name) => (name, LabelKind::Edge, example),
        _ => {
            return Err(document
                .failure(part.span.clone(), "a constant was not understood")
                .hint("Write: <name> vertex_label <example>, or: <name> edge_label <example>"));
        }
    };
    Ok(Constant {
        name: (*name).to_owned(),
        kind,
        example: (*example).to_owned(),
        span: part.span.end - example.len()..part.span.end,
    })
}

pub(super) fn parameter(
    document: &Document,
    language: Language,
    number: usize,
    part: &Part<'_>,
) -> Result<Parameter> {
    let wrong = |hint: String| {
        document
            .failure(part.span.clone(), "a parameter was not understood")
            .hint(hint)
    };
    let mut words = part.text.split_whitespace();
    if language == Language::Sql && words.next() != Some(format!("${number}").as_str()) {
        return Err(wrong(format!(
            "Number them in order; this one is: ${number} <name> <type>"
        )));
    }
    let name = words.next().filter(|name| is_word(name));
    let kind = words.collect::<Vec<_>>().join(" ");
    let (kind, optional) = match kind.strip_suffix('?') {
        Some(kind) => (kind, true),
        None => (kind.as_str(), false),
    };
    let known = match language {
        Language::Sql => is_type(kind),
        Language::Cypher => body::CYPHER_TYPES.contains(&kind),
    };
    match (name, known, language) {
        (Some(name), true, _) => Ok(Parameter {
            name: name.to_owned(),
            kind: kind.to_owned(),
            optional,
            span: part.span.clone(),
        }),
        (_, _, Language::Sql) => Err(wrong(format!("Write: ${number} <name> <type>"))),
        (_, _, Language::Cypher) => Err(wrong(format!(
            "Write: <name> <type>; types are {}",
            body::CYPHER_TYPES.join(", ")
        ))),
    }
}

pub(super) fn column(document: &Document, part: &Part<'_>) -> Result<Column> {
    match part.text.split_once(char::is_whitespace) {
        Some((name, kind)) if is_word(name) && is_type(kind.trim()) => Ok(Column {
            name: name.to_owned(),
            kind: kind.trim().to_owned(),
        }),
        _ => Err(document
            .failure(part.span.clone(), "a column was not understood")
            .hint("Write: <name> <type>")),
    }
}

/// Whether a text can be an SQL type: words, dots, `[]`. It is put into SQL, so nothing else may be in it.
fn is_type(text: &str) -> bool {
    let plain = text.strip_suffix("[]").unwrap_or(text);
    !plain.is_empty() && plain.split([' ', '.']).all(is_word)
}
