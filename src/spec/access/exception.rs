//! Reading what is accepted, and what is not promised.

use serde::Deserialize;
use toml::Spanned;

use super::read::twice;
use super::{Accepted, Exception, Limit};
use crate::failure::Result;
use crate::spec::document::Document;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExceptionEntry {
    check: Spanned<String>,
    objects: Vec<Spanned<String>>,
    reason: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitEntry {
    id: Spanned<String>,
    objects: Vec<Spanned<String>>,
    text: Spanned<String>,
}

/// Checks the `[[exception]]` entries.
pub(super) fn exceptions(
    document: &Document,
    entries: Vec<ExceptionEntry>,
) -> Result<Vec<Exception>> {
    let mut exceptions: Vec<Exception> = Vec::new();
    for entry in entries {
        let check = entry.check.get_ref();
        kebab(document, &entry.check)?;
        said(
            document,
            &entry.reason,
            &format!("exception `{check}` has no reason"),
        )?;
        some(document, &entry.objects, &entry.check)?;
        let mut objects: Vec<Accepted> = Vec::new();
        for object in entry.objects {
            let before = exceptions
                .iter()
                .filter(|other| other.check == *check)
                .flat_map(|other| &other.objects);
            if before
                .chain(&objects)
                .any(|other| other.object == *object.get_ref())
            {
                let what = format!("exception `{check}` for object");
                return Err(twice(document, object.span(), &what, object.get_ref()));
            }
            objects.push(Accepted {
                span: object.span(),
                object: object.into_inner(),
            });
        }
        exceptions.push(Exception {
            span: entry.check.span(),
            check: entry.check.into_inner(),
            objects,
            reason: entry.reason.into_inner(),
        });
    }
    Ok(exceptions)
}

/// Checks the `[[limit]]` entries.
pub(super) fn limits(document: &Document, entries: Vec<LimitEntry>) -> Result<Vec<Limit>> {
    let mut limits: Vec<Limit> = Vec::new();
    for entry in entries {
        kebab(document, &entry.id)?;
        said(
            document,
            &entry.text,
            &format!("limit `{}` says nothing", entry.id.get_ref()),
        )?;
        some(document, &entry.objects, &entry.id)?;
        if limits.iter().any(|other| other.id == *entry.id.get_ref()) {
            return Err(twice(
                document,
                entry.id.span(),
                "limit",
                entry.id.get_ref(),
            ));
        }
        limits.push(Limit {
            id: entry.id.into_inner(),
            objects: entry.objects.into_iter().map(Spanned::into_inner).collect(),
            text: entry.text.into_inner(),
        });
    }
    Ok(limits)
}

fn kebab(document: &Document, id: &Spanned<String>) -> Result<()> {
    let text = id.get_ref();
    let fits = !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    match fits {
        true => Ok(()),
        false => Err(document.failure(id.span(), format!("id \"{text}\" is not in kebab-case"))),
    }
}

fn said(document: &Document, text: &Spanned<String>, error: &str) -> Result<()> {
    match text.get_ref().trim().is_empty() {
        true => Err(document.failure(text.span(), error)),
        false => Ok(()),
    }
}

fn some(document: &Document, objects: &[Spanned<String>], id: &Spanned<String>) -> Result<()> {
    if objects.is_empty() {
        return Err(document.failure(id.span(), format!("`{}` names no object", id.get_ref())));
    }
    match objects
        .iter()
        .find(|object| object.get_ref().trim().is_empty())
    {
        Some(object) => Err(document.failure(object.span(), "an object is empty")),
        None => Ok(()),
    }
}
