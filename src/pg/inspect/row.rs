//! From a row to an object.
//!
//! Every query gives `kind, schema, relation, name, suffix, facets`: names as the catalog spells
//! them, facets as a JSON object. A part of a relation has the relation's schema; what stands alone
//! has its own or none. `suffix` follows the name unquoted (argument types). Columns after these six
//! are facets by their own names.

use sqlx::postgres::PgRow;
use sqlx::{Column, Row, TypeInfo};

use crate::catalog::name::quote_ident;
use crate::catalog::{Catalog, Facets, Id, Kind, Value};
use crate::failure::{Failure, Result};

/// Takes one row into the catalog.
///
/// # Errors
/// Exit 70 for a row of another shape.
pub(super) fn take(catalog: &mut Catalog, row: &PgRow) -> Result<()> {
    let text = |column: usize| -> Result<Option<&str>> {
        row.try_get_unchecked::<Option<&str>, _>(column)
            .map_err(|error| Failure::bug(format!("a catalog row has another shape: {error}")))
    };
    let kind = text(0)?.unwrap_or_default();
    let (schema, relation) = (text(1)?, text(2)?);
    let (name, suffix) = (text(3)?.unwrap_or_default(), text(4)?.unwrap_or_default());
    if kind == "unmodelled" {
        catalog.unmodelled.push(suffix.to_owned());
        return Ok(());
    }
    let kind: Kind = kind.parse().map_err(Failure::bug)?;
    let own = if name.is_empty() {
        suffix.to_owned()
    } else {
        format!("{}{suffix}", quote_ident(name))
    };
    let id = match (schema, relation) {
        (Some(schema), Some(relation)) => {
            let on = format!("{}.{}", quote_ident(schema), quote_ident(relation));
            Id::new(kind, on, own)
        }
        (None, Some(holder)) => Id::new(kind, quote_ident(holder), own),
        (Some(schema), None) => Id::new(kind, "", format!("{}.{own}", quote_ident(schema))),
        (None, None) => Id::new(kind, "", own),
    };
    let json = text(5)?.unwrap_or("{}");
    let mut facets: Facets = serde_json::from_str(json)
        .map_err(|error| Failure::bug(format!("the facets of {id} could not be read: {error}")))?;
    more(&mut facets, row, &id)?;
    if kind == Kind::Index {
        shorten(&mut facets);
    }
    catalog.objects.insert(id, facets);
    Ok(())
}

/// Columns beyond the six are facets too, by their names: what most objects of a kind have, without
/// the price of a JSON object. A flag that is not set, and a null, is the default.
fn more(facets: &mut Facets, row: &PgRow, id: &Id) -> Result<()> {
    for column in row.columns().iter().skip(6) {
        let wrong = |error: String| {
            Failure::bug(format!(
                "the facet {} of {id} could not be read: {error}",
                column.name()
            ))
        };
        let text = row
            .try_get_unchecked::<Option<&str>, _>(column.ordinal())
            .map_err(|error| wrong(error.to_string()))?;
        let value = match (column.type_info().name(), text) {
            (_, None) => None,
            ("BOOL", Some(text)) => (text == "t").then_some(Value::Flag(true)),
            ("JSON", Some(text)) => {
                Some(serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?)
            }
            (_, Some(text)) => Some(Value::Text(text.into())),
        };
        if value.is_some() {
            facets.set(column.name(), value);
        }
    }
    Ok(())
}

/// Leaves of an index's definition what follows USING, without the parameters: name and table are
/// its key, the parameters a facet of their own.
fn shorten(facets: &mut Facets) {
    let whole = facets.text("definition");
    let Some((_, tail)) = whole.split_once(" USING ") else {
        return;
    };
    let parameters: Vec<String> = facets
        .items("options")
        .iter()
        .filter_map(|item| {
            let (key, value) = item.split_once('=')?;
            Some(format!("{}={}", quote_ident(key), shown(value)))
        })
        .collect();
    let with = format!(" WITH ({})", parameters.join(", "));
    let definition = if parameters.is_empty() {
        tail.to_owned()
    } else {
        tail.replacen(&with, "", 1)
    };
    facets.set("definition", Some(Value::Text(definition.into())));
    let mut options: Vec<Box<str>> = facets.items("options").to_vec();
    if !options.is_empty() {
        options.sort();
        facets.set("options", Some(Value::List(options.into())));
    }
}

/// A parameter's value as `pg_get_indexdef` writes it: an identifier bare, else quoted.
/// Source: `flatten_reloptions`.
fn shown(value: &str) -> String {
    if quote_ident(value) == value {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', "''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_definition_is_left_without_its_parameters() {
        let json = r#"{"definition":"CREATE INDEX i ON public.t USING hnsw (e public.vector_cosine_ops) WITH (m='16', fastupdate=off) WHERE (a > 1)","options":["m=16","fastupdate=off"]}"#;
        let mut facets: Facets = serde_json::from_str(json).unwrap();
        shorten(&mut facets);
        assert_eq!(
            facets.text("definition"),
            "hnsw (e public.vector_cosine_ops) WHERE (a > 1)"
        );
        assert_eq!(&*facets.items("options")[0], "fastupdate=off");
    }
}
