//! From a row to an object.
//!
//! Relations, columns, indexes and policies come in shapes of their own, see [`super::part`]. Every other query
//! gives `kind, schema, relation, name, suffix, facets`: names as the catalog spells them, facets as a JSON
//! object. A part of a relation has the relation's schema; what stands alone has its own or none. `suffix`
//! follows the name unquoted (argument types). Columns after these six are facets by their own names.

use std::str::FromStr;

use sqlx::postgres::PgRow;
use sqlx::{Column, Row, TypeInfo};

use super::Reading;
use crate::catalog::name::quote_ident;
use crate::catalog::{Facets, Id, Kind, Value};
use crate::failure::{Failure, Result};

/// Takes one row into what has been read.
///
/// # Errors
/// Exit 70 for a row of another shape.
pub(super) fn take(reading: &mut Reading, row: &PgRow) -> Result<()> {
    let kind = text(row, 0)?.unwrap_or_default();
    if reading.parts.take(kind, row)? || reading.positions.take(kind, row)? {
        return Ok(());
    }
    let (schema, relation) = (text(row, 1)?, text(row, 2)?);
    let name = text(row, 3)?.unwrap_or_default();
    let suffix = text(row, 4)?.unwrap_or_default();
    if kind == "unmodelled" {
        reading.unmodelled.push(suffix.to_owned());
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
    let mut facets = facets(row, 5)?;
    more(&mut facets, row, 6)?;
    reading.objects.push((id, facets));
    Ok(())
}

/// The text in one column. The simple protocol gives every value as text.
///
/// # Errors
/// Exit 70 where there is no such column.
pub(super) fn text(row: &PgRow, column: usize) -> Result<Option<&str>> {
    row.try_get_unchecked(column).map_err(|error| shape(&error))
}

/// The number in one column; zero for a null.
///
/// # Errors
/// Exit 70 where there is no number.
pub(super) fn number<T: FromStr + Default>(row: &PgRow, column: usize) -> Result<T> {
    match text(row, column)? {
        None => Ok(T::default()),
        Some(text) => text.parse().map_err(|_| {
            Failure::bug(format!(
                "a catalog row has \"{text}\" where a number should be"
            ))
        }),
    }
}

/// Whether one column says yes.
///
/// # Errors
/// Exit 70 where there is no such column.
pub(super) fn yes(row: &PgRow, column: usize) -> Result<bool> {
    Ok(text(row, column)? == Some("t"))
}

/// The facets in a column that holds a JSON object or nothing.
///
/// # Errors
/// Exit 70 for anything else.
pub(super) fn facets(row: &PgRow, column: usize) -> Result<Facets> {
    match text(row, column)? {
        None => Ok(Facets::default()),
        Some(json) => serde_json::from_str(json).map_err(|error| shape(&error)),
    }
}

/// The columns from `first` on are facets too, by their names: what most objects of a kind have, without
/// the price of a JSON object. A flag that is not set, and a null, is the default.
///
/// # Errors
/// Exit 70 for a value that cannot be read.
pub(super) fn more(facets: &mut Facets, row: &PgRow, first: usize) -> Result<()> {
    for column in row.columns().iter().skip(first) {
        let value = match (column.type_info().name(), text(row, column.ordinal())?) {
            (_, None) => None,
            ("BOOL", Some(text)) => (text == "t").then_some(Value::Flag(true)),
            ("JSON", Some(text)) => {
                Some(serde_json::from_str(text).map_err(|error| shape(&error))?)
            }
            (_, Some(text)) => Some(Value::Text(text.into())),
        };
        if value.is_some() {
            facets.set(column.name(), value);
        }
    }
    Ok(())
}

fn shape(error: &dyn std::error::Error) -> Failure {
    Failure::bug(format!("a catalog row has another shape: {error}"))
}
