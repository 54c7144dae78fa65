//! Reading the declaration of one property.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::name::{name_problem, named};
use super::{Property, PropertyKind, Scalar};
use crate::catalog::name::ColumnName;
use crate::failure::Result;
use crate::spec::document::Document;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PropertyEntry {
    #[serde(rename = "type")]
    kind: Spanned<TypeName>,
    #[serde(default)]
    required: bool,
    default: Option<Spanned<toml::Value>>,
    #[serde(rename = "enum")]
    one_of: Option<Spanned<Vec<String>>>,
    min: Option<Spanned<f64>>,
    max: Option<Spanned<f64>>,
    min_length: Option<Spanned<u32>>,
    of: Option<Spanned<Scalar>>,
    references: Option<ColumnName>,
}

/// The words of `type`.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum TypeName {
    Uuid,
    String,
    Int,
    Float,
    Bool,
    Url,
    Datetime,
    Array,
}

/// Reads one declaration and refuses what contradicts its type.
pub(super) fn property(
    document: &Document,
    name: &Spanned<String>,
    entry: &PropertyEntry,
) -> Result<Property> {
    let (span, name) = (name.span(), name.get_ref().clone());
    if let Some(problem) = name_problem(&name, 1, &[]) {
        return Err(named(document, span, "property", &name, &problem));
    }
    let wrong =
        |(at, problem): (Range<usize>, &str)| named(document, at, "property", &name, problem);
    let kind = kind(entry).map_err(wrong)?;
    if let Some(problem) = contradiction(entry, kind) {
        return Err(wrong(problem));
    }
    let mut property = Property {
        name: name.clone(),
        kind,
        required: entry.required,
        default: None,
        one_of: entry
            .one_of
            .as_ref()
            .map(|words| words.get_ref().clone())
            .unwrap_or_default(),
        min: entry.min.as_ref().map(|min| *min.get_ref()),
        max: entry.max.as_ref().map(|max| *max.get_ref()),
        min_length: entry.min_length.as_ref().map(|length| *length.get_ref()),
        references: entry.references.clone(),
        span,
    };
    if let Some(default) = &entry.default {
        let problem =
            |problem: &str| wrong((default.span(), &format!("has a default that {problem}")));
        let value =
            serde_json::to_value(default.get_ref()).map_err(|_| problem("JSON cannot hold"))?;
        if let Some(reason) = property.refusal(&value) {
            return Err(problem(&reason));
        }
        property.default = Some(value);
    }
    Ok(property)
}

type Problem = (Range<usize>, &'static str);

fn kind(entry: &PropertyEntry) -> std::result::Result<PropertyKind, Problem> {
    match (scalar(*entry.kind.get_ref()), &entry.of) {
        (Some(kind), None) => Ok(PropertyKind::One(kind)),
        (Some(_), Some(of)) => Err((of.span(), "has `of`, which belongs to arrays")),
        (None, Some(of)) => Ok(PropertyKind::Array(*of.get_ref())),
        (None, None) => Err((entry.kind.span(), "is an array: `of` says of what")),
    }
}

fn contradiction(entry: &PropertyEntry, kind: PropertyKind) -> Option<Problem> {
    if let Some(words) = &entry.one_of {
        let list = words.get_ref();
        if !matches!(
            kind,
            PropertyKind::One(Scalar::String) | PropertyKind::Array(Scalar::String)
        ) {
            return Some((words.span(), "has `enum`, which belongs to strings"));
        }
        if list.is_empty()
            || list
                .iter()
                .enumerate()
                .any(|(at, word)| list[..at].contains(word))
        {
            return Some((
                words.span(),
                "has an `enum` without words, or with one twice",
            ));
        }
    }
    let number = matches!(kind, PropertyKind::One(Scalar::Int | Scalar::Float));
    if let Some(bound) = entry
        .min
        .as_ref()
        .or(entry.max.as_ref())
        .filter(|_| !number)
    {
        return Some((bound.span(), "has a bound, which belongs to numbers"));
    }
    if let (Some(min), Some(max)) = (&entry.min, &entry.max)
        && min.get_ref() > max.get_ref()
    {
        return Some((max.span(), "has a `max` below its `min`"));
    }
    let measured = matches!(
        kind,
        PropertyKind::One(Scalar::String | Scalar::Url) | PropertyKind::Array(_)
    );
    let length = entry.min_length.as_ref().filter(|_| !measured)?;
    Some((
        length.span(),
        "has `min_length`, which belongs to strings and arrays",
    ))
}

fn scalar(name: TypeName) -> Option<Scalar> {
    Some(match name {
        TypeName::Uuid => Scalar::Uuid,
        TypeName::String => Scalar::String,
        TypeName::Int => Scalar::Int,
        TypeName::Float => Scalar::Float,
        TypeName::Bool => Scalar::Bool,
        TypeName::Url => Scalar::Url,
        TypeName::Datetime => Scalar::Datetime,
        TypeName::Array => return None,
    })
}
