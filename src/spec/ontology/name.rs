//! What graphs, labels and indexes may be named, and the names that indexes get.

use std::ops::Range;

use super::IndexKind;
use crate::catalog::name::NAME_BYTES_MAX;
use crate::failure::Failure;
use crate::spec::document::Document;

/// The name of a listed index that has none, as `graph_forms` in the documents writes them.
pub(super) fn default_name(
    label: &str,
    kind: IndexKind,
    unique: bool,
    properties: &[String],
) -> String {
    let (label, of) = (label.to_lowercase(), properties.join("_"));
    fitted(match kind {
        IndexKind::PrimaryKey => format!("{label}_pkey"),
        IndexKind::Start => format!("{label}_start_id_idx"),
        IndexKind::End => format!("{label}_end_id_idx"),
        IndexKind::Sql => format!("ix_{label}_{of}"),
        IndexKind::Where if unique => format!("ux_{label}_{of}"),
        IndexKind::Where => format!("ix_{label}_{of}_ac"),
        IndexKind::Match => format!("ix_{label}_props"),
        IndexKind::Contains => format!("ix_{label}_{of}_gin"),
    })
}

/// Keeps a name within PostgreSQL's limit: its start and eight digits of its checksum.
pub(crate) fn fitted(name: String) -> String {
    if name.len() <= NAME_BYTES_MAX {
        return name;
    }
    let checksum = crate::sql::fingerprint::checksum(&name);
    let mut end = NAME_BYTES_MAX - 9;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}_{}", &name[..end], &checksum[..8])
}

/// Says what a text may not be as a graph's or label's name. Source: AGE's `name_validation.h`.
pub(super) fn name_problem(name: &str, min_chars: usize, extra: &[char]) -> Option<String> {
    // Which other digits AGE takes depends on the server's locale.
    let word = |c: char| c == '_' || c.is_alphabetic() || c.is_ascii_digit();
    if name.chars().count() < min_chars {
        return Some(format!("has fewer than {min_chars} characters"));
    }
    if name.len() > NAME_BYTES_MAX {
        return Some(format!(
            "has {} bytes; PostgreSQL keeps {NAME_BYTES_MAX}",
            name.len()
        ));
    }
    if name.starts_with(|c: char| !word(c) || c.is_numeric()) {
        return Some("starts with something else than a letter or \"_\"".to_owned());
    }
    if name.ends_with(|c| !word(c)) {
        return Some("ends in something else than a letter, digit or \"_\"".to_owned());
    }
    name.chars()
        .find(|c| !word(*c) && !extra.contains(c))
        .map(|c| format!("has {c:?}, which AGE refuses"))
}

/// A failure about a name in the file.
pub(super) fn named(
    document: &Document,
    span: Range<usize>,
    what: &str,
    name: &str,
    problem: &str,
) -> Failure {
    document.failure(span, format!("{what} \"{name}\" {problem}"))
}
