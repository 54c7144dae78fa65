//! One row: written unless its key is there, and read back where others refer to it.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use time::OffsetDateTime;

use super::refusal::Refused;
use super::value::{Found, Moment, Record};
use super::{Plan, Stop};
use crate::catalog::name::quote_ident;
use crate::failure::Result;
use crate::pg::error::failure;
use crate::seed::secret::Key;
use crate::spec::seed::{Computed, RowId, SeedTable, Value};

/// Inserts the row unless its key is there. Shape: nothing when it was there, else the keys that were made
/// for it, by column.
///
/// The server reads every value from JSON by its column's type, so arrays, enums, domains, JSON and vectors
/// need nothing of their own here.
pub(super) async fn write(
    connection: &mut PgConnection,
    plan: &Plan<'_>,
    id: RowId,
    moment: &Moment<'_>,
) -> std::result::Result<Option<BTreeMap<String, Key>>, Stop> {
    let (table, row) = plan.seed.row(id);
    // A password is hashed on purpose slowly: not for a row that is there.
    let slow = |value: &Value| matches!(value, Value::Computed(Computed::Argon2(_)));
    if row.values.iter().any(|cell| slow(&cell.value)) {
        let key = plan.record(id, &table.key, moment)?;
        let sql = format!(
            "SELECT EXISTS (SELECT FROM {} AS t, {} WHERE {})",
            table.name,
            source(plan, table, &key)?,
            matching(table, &key)
        );
        let there: bool = sqlx::query_scalar(AssertSqlSafe(sql))
            .bind(Json::Object(key.values.clone()))
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| Refused::stop(id, key, error))?;
        if there {
            return Ok(None);
        }
    }
    let columns: Vec<String> = row.values.iter().map(|cell| cell.column.clone()).collect();
    let record = plan.record(id, &columns, moment)?;
    let sql = insert(plan, table, &columns, &record)?;
    let done = sqlx::query(AssertSqlSafe(sql))
        .bind(Json::Object(record.values.clone()))
        .execute(connection)
        .await;
    match done {
        Ok(done) if done.rows_affected() == 0 => Ok(None),
        Ok(_) => Ok(Some(record.keys)),
        Err(error) => Err(Refused::stop(id, record, error)),
    }
}

fn insert(
    plan: &Plan<'_>,
    table: &SeedTable,
    columns: &[String],
    record: &Record,
) -> Result<String> {
    let shape = plan.shape.columns(&table.name)?;
    let names: Vec<String> = columns.iter().map(|column| quote_ident(column)).collect();
    let values: Vec<String> = names.iter().map(|name| format!("r.{name}")).collect();
    let identity = columns
        .iter()
        .any(|column| shape.get(column).is_some_and(|column| column.identity));
    Ok(format!(
        "INSERT INTO {name} ({names}) {overriding} SELECT {values} FROM {source}
         WHERE NOT EXISTS (SELECT FROM {name} AS t WHERE {key})",
        name = table.name,
        names = names.join(", "),
        overriding = if identity {
            "OVERRIDING SYSTEM VALUE"
        } else {
            ""
        },
        values = values.join(", "),
        source = source(plan, table, record)?,
        key = matching(table, record),
    ))
}

/// `$1` as a row named `r`, each value of its column's type.
pub(super) fn source(plan: &Plan<'_>, table: &SeedTable, record: &Record) -> Result<String> {
    let shape = plan.shape.columns(&table.name)?;
    let columns: Vec<String> = record
        .values
        .keys()
        .filter_map(|name| Some(format!("{} {}", quote_ident(name), shape.get(name)?.kind)))
        .collect();
    Ok(format!(
        "pg_catalog.jsonb_to_record($1) AS r ({})",
        columns.join(", ")
    ))
}

/// Whether `t` is the row that `r` is the key of.
pub(super) fn matching(table: &SeedTable, record: &Record) -> String {
    let parts: Vec<String> = table
        .key
        .iter()
        .map(|column| {
            let name = quote_ident(column);
            match record.values.get(column) {
                Some(Json::Null) | None => format!("t.{name} IS NULL"),
                Some(_) => format!("t.{name} = r.{name}"),
            }
        })
        .collect();
    parts.join(" AND ")
}

/// Reads back what others ask of a named row, and its primary key. Shape: the primary key, if it is one column
/// that the row's writer sees.
pub(super) async fn look(
    connection: &mut PgConnection,
    plan: &Plan<'_>,
    id: RowId,
    found: &mut Found,
    now: OffsetDateTime,
) -> std::result::Result<Option<Json>, Stop> {
    let (table, row) = plan.seed.row(id);
    let primary = plan.shape.primary(&table.name);
    let asked = plan.asked.get(&id);
    let literal = primary
        .and_then(|column| row.cell(column))
        .filter(|cell| cell.value.is_literal());
    let mut columns: Vec<&str> = asked.into_iter().flatten().map(String::as_str).collect();
    match (primary, literal) {
        (_, Some(cell)) if columns.is_empty() => {
            let moment = Moment { now, found };
            let record = plan.record(id, std::slice::from_ref(&cell.column), &moment)?;
            return Ok(record.values.get(&cell.column).cloned());
        }
        (Some(primary), _) if !columns.contains(&primary) => columns.push(primary),
        _ => {}
    }
    if columns.is_empty() {
        return Ok(None);
    }
    let key = plan.record(id, &table.key, &Moment { now, found })?;
    let values: Vec<String> = columns
        .iter()
        .map(|column| format!("pg_catalog.to_jsonb(t.{})", quote_ident(column)))
        .collect();
    let sql = format!(
        "SELECT ARRAY[{}] FROM {} AS t, {} WHERE {}",
        values.join(", "),
        table.name,
        source(plan, table, &key)?,
        matching(table, &key)
    );
    let read: Option<Vec<Option<Json>>> = sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(Json::Object(key.values))
        .fetch_optional(connection)
        .await
        .map_err(|error| {
            let doing = format!("read a row of {} back", table.name);
            failure(&doing, &error).at(plan.seed.excerpt(table, row.span.clone(), "here"))
        })?;
    let mut own = None;
    for (column, value) in columns.iter().zip(read.unwrap_or_default()) {
        let value = value.unwrap_or(Json::Null);
        if Some(*column) == primary {
            own = Some(value.clone());
        }
        found.keep(id, column, value);
    }
    Ok(own)
}
