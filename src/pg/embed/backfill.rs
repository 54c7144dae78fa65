//! Filling the new column, some rows at a time.

use sqlx::postgres::PgConnection;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, Row};

use super::place::Place;
use super::{Change, Source};
use crate::catalog::name::quote_ident;
use crate::failure::{Exit, Failure, Result};
use crate::pg::error::failure;
use crate::pg::index::Site;
use crate::progress::{Progress, Report, Unit};

/// Fills every row that lacks a new vector. Shape: how many rows were filled.
///
/// # Errors
/// The source's or the server's; what was filled stays. Exit 9 when vectors do not stay filled.
pub async fn fill(
    connection: &mut PgConnection,
    site: &Site<'_>,
    change: &Change<'_>,
    place: &Place,
    report: Report<'_>,
) -> Result<u64> {
    let total = pending(connection, place).await?;
    if total == 0 {
        return Ok(0);
    }
    let stage = format!("filling {} of {}", place.next(), place.table);
    report(Progress::counted(stage, total, Unit::Items));
    let mut filled = 0;
    let mut fruitless = 0;
    loop {
        if let Some(failure) = site.cancelled() {
            report(Progress::Done);
            return Err(failure
                .detail(format!(
                    "{filled} rows have got their new vector; they keep it."
                ))
                .hint("Run the same command again to go on."));
        }
        let rows = due(connection, change, place).await?;
        if rows.is_empty() {
            break;
        }
        let written = write(connection, change, place, &rows).await?;
        filled += written;
        report(Progress::At(filled));
        // Rows that somebody changed meanwhile come again; a source that gives NULL never ends.
        fruitless = if written == 0 { fruitless + 1 } else { 0 };
        if fruitless > 100 {
            report(Progress::Done);
            return Err(Failure::new(
                Exit::Partial,
                format!(
                    "{} rows of {} did not take a new vector",
                    rows.len(),
                    place.table
                ),
            )
            .detail("The source gave NULL for them, or they are changed all the time.")
            .hint("Look at the source, then run the command again."));
        }
        tokio::select! {
            () = tokio::time::sleep(change.pause) => {}
            () = site.cancel.wished() => {}
        }
    }
    report(Progress::Done);
    Ok(filled)
}

/// How many rows lack a new vector.
async fn pending(connection: &mut PgConnection, place: &Place) -> Result<u64> {
    let sql = format!(
        "SELECT count(*) FROM {} AS t WHERE {}",
        place.table,
        place.pending("t")
    );
    let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_one(connection)
        .await
        .map_err(|error| failure(&format!("count the rows of {}", place.table), &error))?;
    Ok(count.unsigned_abs())
}

/// A row that lacks a new vector: its key and version, and what a source may read.
struct Due {
    key: serde_json::Value,
    row: serde_json::Value,
}

async fn due(
    connection: &mut PgConnection,
    change: &Change<'_>,
    place: &Place,
) -> Result<Vec<Due>> {
    let names: Vec<String> = place
        .key
        .iter()
        .map(|(name, _)| format!("t.{name}"))
        .collect();
    let key: Vec<String> = (0..names.len())
        .map(|at| format!("'edu_key{at}', {}", names[at]))
        .collect();
    let row = match change.source {
        Source::Sql(_) => "'null'::jsonb".to_owned(),
        Source::Rows(_) => "pg_catalog.to_jsonb(t) - $1 - $2".to_owned(),
    };
    let sql = format!(
        "SELECT pg_catalog.jsonb_build_object({}, 'edu_version', t.xmin::text) AS key, {row} AS row
         FROM {} AS t WHERE {} AND $1::text <> $2::text ORDER BY {} LIMIT {}",
        key.join(", "),
        place.table,
        place.pending("t"),
        names.join(", "),
        change.batch.max(1),
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(&place.column)
        .bind(place.next())
        .fetch_all(connection)
        .await
        .map_err(|error| failure(&format!("read rows of {}", place.table), &error))?;
    Ok(rows
        .iter()
        .map(|row| Due {
            key: row.get::<Json<_>, _>("key").0,
            row: row.get::<Json<_>, _>("row").0,
        })
        .collect())
}

/// Writes the new vectors of rows that nobody has changed since they were read.
async fn write(
    connection: &mut PgConnection,
    change: &Change<'_>,
    place: &Place,
    rows: &[Due],
) -> Result<u64> {
    let mut records: Vec<serde_json::Value> = rows.iter().map(|due| due.key.clone()).collect();
    let value = match &change.source {
        Source::Sql(expression) => format!("({expression})"),
        Source::Rows(embed) => {
            let texts: Vec<serde_json::Value> = rows.iter().map(|due| due.row.clone()).collect();
            let vectors = embed(&texts)?;
            if vectors.len() != rows.len() {
                return Err(Failure::usage(format!(
                    "the command gave {} vectors for {} rows",
                    vectors.len(),
                    rows.len()
                ))
                .detail("It is to print one vector per line, in the order of the rows."));
            }
            for (record, vector) in records.iter_mut().zip(vectors) {
                record["edu_vector"] = vector.into();
            }
            "edu_due.edu_vector".to_owned()
        }
    };
    let columns: Vec<String> = place
        .key
        .iter()
        .enumerate()
        .map(|(at, (_, kind))| format!("edu_key{at} {kind}"))
        .collect();
    let same: Vec<String> = place
        .key
        .iter()
        .enumerate()
        .map(|(at, (name, _))| format!("t.{name} = edu_due.edu_key{at}"))
        .collect();
    let sql = format!(
        "UPDATE {} AS t SET {} = {value}::{}.{}({})
         FROM pg_catalog.jsonb_to_recordset($1) AS edu_due({}, edu_version text, edu_vector text)
         WHERE {} AND t.xmin::text = edu_due.edu_version",
        place.table,
        quote_ident(&place.next()),
        type_schema(change, place),
        change.to.name(),
        change.to.dims,
        columns.join(", "),
        same.join(" AND "),
    );
    let done = sqlx::query(AssertSqlSafe(sql))
        .bind(Json(records))
        .execute(connection)
        .await
        .map_err(|error| failure(&format!("write new vectors into {}", place.table), &error))?;
    Ok(done.rows_affected())
}

/// The schema of the new type; `bit` is PostgreSQL's own.
pub(super) fn type_schema<'a>(change: &Change<'_>, place: &'a Place) -> &'a str {
    match change.to.element {
        crate::vector::memory::Element::Bit => "pg_catalog",
        _ => &place.schema,
    }
}
