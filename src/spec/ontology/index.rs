//! Reading one entry of a label's `index` list.

use serde::Deserialize;
use toml::Spanned;

use super::name::{default_name, named};
use super::{GraphIndex, IndexKind, Label};
use crate::catalog::name::NAME_BYTES_MAX;
use crate::failure::Result;
use crate::spec::document::Document;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IndexEntry {
    name: Option<Spanned<String>>,
    sql: Option<Vec<String>>,
    #[serde(rename = "where")]
    access: Option<Vec<String>>,
    #[serde(rename = "match")]
    pattern: Option<Vec<String>>,
    contains: Option<Vec<String>>,
    #[serde(default)]
    unique: bool,
}

/// Reads one entry; the label's properties are known already.
pub(super) fn listed(
    document: &Document,
    label: &Label,
    entry: &Spanned<IndexEntry>,
) -> Result<GraphIndex> {
    let (at, entry) = (entry.span(), entry.get_ref());
    let wrong = |problem: &str| {
        document.failure(
            at.clone(),
            format!("an index of label \"{}\" {problem}", label.name),
        )
    };
    let kinds = [
        (IndexKind::Sql, &entry.sql),
        (IndexKind::Where, &entry.access),
        (IndexKind::Match, &entry.pattern),
        (IndexKind::Contains, &entry.contains),
    ];
    let mut given = kinds
        .into_iter()
        .filter_map(|(kind, properties)| Some((kind, properties.as_ref()?)));
    let (Some((kind, properties)), None) = (given.next(), given.next()) else {
        return Err(wrong(
            "needs exactly one of `sql`, `where`, `match` and `contains`",
        ));
    };
    if let Some(problem) = problem(label, kind, properties, entry.unique) {
        return Err(wrong(&problem));
    }
    let name = match &entry.name {
        None => default_name(&label.name, kind, entry.unique, properties),
        Some(name) => {
            let text = name.get_ref();
            if text.is_empty() || text.contains('\0') || text.len() > NAME_BYTES_MAX {
                return Err(named(
                    document,
                    name.span(),
                    "index",
                    text,
                    "is empty, too long or has a NUL byte",
                ));
            }
            text.clone()
        }
    };
    Ok(GraphIndex {
        label: label.name.clone(),
        kind,
        properties: properties.clone(),
        unique: entry.unique,
        name,
        implied: false,
    })
}

fn problem(label: &Label, kind: IndexKind, properties: &[String], unique: bool) -> Option<String> {
    let repeated = properties
        .iter()
        .enumerate()
        .any(|(at, p)| properties[..at].contains(p));
    if properties.is_empty() || repeated {
        return Some("names no property, or one twice".to_owned());
    }
    if let Some(unknown) = properties
        .iter()
        .find(|p| !label.free && label.property(p).is_none())
    {
        return Some(format!(
            "names \"{unknown}\", which the label does not declare"
        ));
    }
    if kind == IndexKind::Contains && properties.len() > 1 {
        return Some("has `contains` with several properties; it takes one".to_owned());
    }
    (unique && kind != IndexKind::Where)
        .then(|| "is `unique`, which only `where` can be".to_owned())
}
