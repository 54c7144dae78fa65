//! From the text of `spec/vectors.toml` to its value, with pgvector's limits.

use std::ops::{Range, RangeInclusive};

use serde::Deserialize;
use toml::Spanned;

use super::{IterativeScan, Lists, Method, Target, VectorIndex, VectorSpec};
use crate::catalog::name::Name;
use crate::failure::{Failure, Result};
use crate::spec::document::{Document, nearest};

/// hnsw's `m`. Source: pgvector, `HNSW_MIN_M`, `HNSW_MAX_M`.
const M: RangeInclusive<i64> = 2..=100;
/// hnsw's `ef_construction`. Source: pgvector, `HNSW_MAX_EF_CONSTRUCTION`.
const EF_CONSTRUCTION: RangeInclusive<i64> = 4..=1000;
/// `hnsw.ef_search`. Source: pgvector, `HNSW_MAX_EF_SEARCH`.
const EF_SEARCH: RangeInclusive<i64> = 1..=1000;
/// ivfflat's `lists` and `ivfflat.probes`. Source: pgvector, `IVFFLAT_MAX_LISTS`.
const LISTS: RangeInclusive<i64> = 1..=32_768;

/// Operator classes that both methods have.
const OPCLASSES: [&str; 7] = [
    "vector_l2_ops",
    "vector_ip_ops",
    "vector_cosine_ops",
    "halfvec_l2_ops",
    "halfvec_ip_ops",
    "halfvec_cosine_ops",
    "bit_hamming_ops",
];
/// Operator classes that hnsw alone has.
const OPCLASSES_HNSW: [&str; 7] = [
    "vector_l1_ops",
    "halfvec_l1_ops",
    "sparsevec_l2_ops",
    "sparsevec_ip_ops",
    "sparsevec_cosine_ops",
    "sparsevec_l1_ops",
    "bit_jaccard_ops",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    search: Search,
    #[serde(default)]
    index: Vec<Entry>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Search {
    iterative_scan: Option<IterativeScan>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: Spanned<String>,
    table: Spanned<Name>,
    column: Option<Spanned<String>>,
    expression: Option<Spanned<String>>,
    method: Spanned<MethodName>,
    opclass: Spanned<String>,
    m: Option<Spanned<i64>>,
    ef_construction: Option<Spanned<i64>>,
    ef_search: Option<Spanned<i64>>,
    lists: Option<Spanned<toml::Value>>,
    probes: Option<Spanned<i64>>,
    predicate: Option<Spanned<String>>,
    recall_floor: Option<Spanned<f64>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum MethodName {
    Hnsw,
    Ivfflat,
}

pub(super) fn vectors(document: &Document) -> Result<VectorSpec> {
    let file: File = document.parse()?;
    let mut indexes: Vec<VectorIndex> = Vec::new();
    for entry in &file.index {
        let index = index(document, entry)?;
        if let Some(other) = indexes.iter().find(|other| other.name == index.name) {
            let line = document.excerpt(other.span.clone(), "").position().0;
            return Err(document
                .failure(index.span, format!("index {} was given twice", index.name))
                .detail(format!("The first is in line {line}.")));
        }
        indexes.push(index);
    }
    Ok(VectorSpec {
        iterative_scan: file.search.iterative_scan,
        indexes,
    })
}

fn index(document: &Document, entry: &Entry) -> Result<VectorIndex> {
    let span = entry.name.span();
    let table = entry.table.get_ref().clone();
    let name = Name::new(table.schema.clone(), entry.name.get_ref().clone())
        .map_err(|failure| failure.at(document.excerpt(span.clone(), "here")))?;
    let target = match (&entry.column, &entry.expression) {
        (Some(column), None) if !column.get_ref().trim().is_empty() => {
            Target::Column(column.get_ref().clone())
        }
        (None, Some(expression)) if !expression.get_ref().trim().is_empty() => {
            Target::Expression(expression.get_ref().clone())
        }
        _ => {
            return Err(document
                .failure(
                    span,
                    format!("index {name} needs one of `column` and `expression`"),
                )
                .detail("pgvector has no index on several columns."));
        }
    };
    if let Some(empty) = entry
        .predicate
        .as_ref()
        .filter(|text| text.get_ref().trim().is_empty())
    {
        return Err(document.failure(empty.span(), "a predicate is empty"));
    }
    let recall_floor = match &entry.recall_floor {
        Some(floor) if !(*floor.get_ref() > 0.0 && *floor.get_ref() <= 1.0) => {
            return Err(
                document.failure(floor.span(), "a recall floor lies above 0 and not above 1")
            );
        }
        floor => floor.as_ref().map(|floor| *floor.get_ref()),
    };
    Ok(VectorIndex {
        name,
        table,
        target,
        method: method(document, entry)?,
        opclass: opclass(document, entry)?,
        predicate: entry.predicate.as_ref().map(|text| text.get_ref().clone()),
        recall_floor,
        span,
    })
}

fn opclass(document: &Document, entry: &Entry) -> Result<String> {
    let name = entry.opclass.get_ref().as_str();
    let at = entry.opclass.span();
    let hnsw_only = OPCLASSES_HNSW.contains(&name);
    match entry.method.get_ref() {
        MethodName::Ivfflat if hnsw_only => Err(document
            .failure(at, format!("ivfflat has no operator class {name}"))
            .hint("Use method = \"hnsw\".")),
        _ if hnsw_only || OPCLASSES.contains(&name) => Ok(name.to_owned()),
        _ => {
            let failure =
                document.failure(at, format!("pgvector has no operator class \"{name}\""));
            let known = OPCLASSES.into_iter().chain(OPCLASSES_HNSW);
            Err(match nearest(name, known) {
                Some(near) => failure.hint(format!("Did you mean `{near}`?")),
                None => failure.detail(format!(
                    "It has {}, {}.",
                    OPCLASSES.join(", "),
                    OPCLASSES_HNSW.join(", ")
                )),
            })
        }
    }
}

fn method(document: &Document, entry: &Entry) -> Result<Method> {
    match entry.method.get_ref() {
        MethodName::Hnsw => {
            foreign(document, entry.lists.as_ref(), "lists", "ivfflat")?;
            foreign(document, entry.probes.as_ref(), "probes", "ivfflat")?;
            hnsw(document, entry)
        }
        MethodName::Ivfflat => {
            foreign(document, entry.m.as_ref(), "m", "hnsw")?;
            foreign(
                document,
                entry.ef_construction.as_ref(),
                "ef_construction",
                "hnsw",
            )?;
            foreign(document, entry.ef_search.as_ref(), "ef_search", "hnsw")?;
            ivfflat(document, entry)
        }
    }
}

fn hnsw(document: &Document, entry: &Entry) -> Result<Method> {
    let m = number(document, entry.m.as_ref(), "m", &M, 16)?;
    let ef_construction = entry.ef_construction.as_ref();
    let ef_construction = number(
        document,
        ef_construction,
        "ef_construction",
        &EF_CONSTRUCTION,
        64,
    )?;
    if ef_construction < 2 * m {
        let at = entry.ef_construction.as_ref().or(entry.m.as_ref());
        let at = at.map_or_else(|| entry.name.span(), Spanned::span);
        return Err(document.failure(
            at,
            format!("ef_construction {ef_construction} is below 2·m = {}", 2 * m),
        ));
    }
    let ef_search = number(
        document,
        entry.ef_search.as_ref(),
        "ef_search",
        &EF_SEARCH,
        40,
    )?;
    Ok(Method::Hnsw {
        m,
        ef_construction,
        ef_search,
    })
}

fn ivfflat(document: &Document, entry: &Entry) -> Result<Method> {
    let lists = match entry
        .lists
        .as_ref()
        .map(|lists| (lists.get_ref(), lists.span()))
    {
        None => Lists::Auto,
        Some((toml::Value::String(text), _)) if text == "auto" => Lists::Auto,
        Some((toml::Value::Integer(count), at)) => {
            Lists::Count(bounded(document, *count, at, "lists", &LISTS)?)
        }
        Some((_, at)) => return Err(document.failure(at, "`lists` is a number or \"auto\"")),
    };
    let probes = number(document, entry.probes.as_ref(), "probes", &LISTS, 1)?;
    if let (Lists::Count(lists), Some(at)) = (lists, &entry.probes)
        && probes > lists
    {
        return Err(document.failure(
            at.span(),
            format!("probes {probes} is more than the {lists} lists"),
        ));
    }
    Ok(Method::Ivfflat { lists, probes })
}

/// Refuses a parameter of the other method.
fn foreign<T>(
    document: &Document,
    given: Option<&Spanned<T>>,
    name: &str,
    owner: &str,
) -> Result<()> {
    match given {
        Some(value) => Err(document.failure(value.span(), format!("`{name}` belongs to {owner}"))),
        None => Ok(()),
    }
}

fn number(
    document: &Document,
    value: Option<&Spanned<i64>>,
    name: &str,
    range: &RangeInclusive<i64>,
    default: u32,
) -> Result<u32> {
    match value {
        None => Ok(default),
        Some(value) => bounded(document, *value.get_ref(), value.span(), name, range),
    }
}

fn bounded(
    document: &Document,
    value: i64,
    at: Range<usize>,
    name: &str,
    range: &RangeInclusive<i64>,
) -> Result<u32> {
    let outside = || -> Failure {
        document.failure(
            at,
            format!(
                "`{name}` is {value}; pgvector takes {} to {}",
                range.start(),
                range.end()
            ),
        )
    };
    match u32::try_from(value) {
        Ok(number) if range.contains(&value) => Ok(number),
        _ => Err(outside()),
    }
}
