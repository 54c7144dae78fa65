//! The comment lines at the top of a query: keys, their values, and where each is.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Language;
use crate::failure::Result;
use crate::spec::document::{Document, nearest};

/// The header's keys.
const KEYS: [&str; 7] = [
    "name",
    "about",
    "constants",
    "parameters",
    "columns",
    "writes",
    "uses_index",
];

/// A part of a header value. Units of its span: bytes of the file.
#[derive(Clone)]
pub(super) struct Part<'a> {
    pub(super) text: &'a str,
    pub(super) span: Range<usize>,
}

impl<'a> Part<'a> {
    fn trimmed(text: &'a str, from: usize) -> Self {
        let start = from + text.len() - text.trim_start().len();
        let text = text.trim();
        Part {
            text,
            span: start..start + text.len(),
        }
    }

    /// The parts between commas.
    fn list(&self) -> Vec<Part<'a>> {
        let mut at = self.span.start;
        self.text
            .split(',')
            .map(|text| {
                let part = Part::trimmed(text, at);
                at += text.len() + 1;
                part
            })
            .collect()
    }
}

/// The sign of a comment to the end of the line.
pub(super) const fn marker(language: Language) -> &'static str {
    match language {
        Language::Cypher => "//",
        Language::Sql => "--",
    }
}

/// The header's values by key, and where the rest of the text is.
pub(super) fn header<'a>(
    document: &'a Document,
    language: Language,
) -> Result<(BTreeMap<&'a str, Part<'a>>, Range<usize>)> {
    let text = document.text.as_str();
    let mut values: BTreeMap<&str, Part<'a>> = BTreeMap::new();
    let mut last = "";
    let mut at = 0;
    let mut body_at = None;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let Some(comment) = line.strip_prefix(marker(language)) else {
            body_at.get_or_insert(start);
            continue;
        };
        let comment_at = start + marker(language).len();
        let said = Part::trimmed(comment, comment_at);
        let key = said
            .text
            .split_once(':')
            .map(|(key, _)| key)
            .filter(|key| is_word(key));
        let indented = comment.starts_with("   ") && last == "about" && body_at.is_none();
        if indented && let Some(part) = values.get_mut(last) {
            part.span.end = said.span.end;
            part.text = &text[part.span.clone()];
            continue;
        }
        let known = key.is_some_and(|key| KEYS.contains(&key));
        match (key, body_at) {
            (Some(key), None) if known => {
                let value =
                    Part::trimmed(&said.text[key.len() + 1..], said.span.start + key.len() + 1);
                let place = said.span.start..said.span.start + key.len();
                if value.text.is_empty() {
                    return Err(document.failure(place, format!("`{key}:` says nothing")));
                }
                if values.insert(key, value).is_some() {
                    return Err(document.failure(place, format!("`{key}:` was given twice")));
                }
                last = key;
            }
            (Some(key), Some(_)) if known => {
                return Err(document
                    .failure(said.span, format!("`{key}:` stood below the header"))
                    .hint("Move it up to the other keys."));
            }
            (Some(key), None) if values.len() < KEYS.len() && nearest(key, KEYS).is_some() => {
                let near = nearest(key, KEYS).unwrap_or_default();
                return Err(document
                    .failure(said.span, format!("`{key}:` is not known"))
                    .hint(format!("Did you mean `{near}`?")));
            }
            _ => {
                body_at.get_or_insert(start);
            }
        }
    }
    Ok((values, body_at.unwrap_or(text.len())..text.len()))
}

/// The parts of a list; none when it says so.
pub(super) fn items<'a>(list: &Part<'a>, none: &str) -> Vec<Part<'a>> {
    match list.text == none {
        true => Vec::new(),
        false => list.list(),
    }
}

/// Whether a text is one lower-case word.
pub(super) fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}
