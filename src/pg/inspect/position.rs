//! Sequences that are behind the data of the column they fill: the next insert would fail.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};

use crate::catalog::name::quote_literal;
use crate::catalog::{Catalog, Id, Kind, Value};
use crate::failure::Result;
use crate::pg::concurrent;
use crate::pg::error::{failure, sqlstate};

/// Marks the sequences that are behind. Only a column that an index leads is asked, so that no table
/// is read whole; a sequence or table that the role may not read is said. Shape: false where one was dropped
/// meanwhile.
///
/// # Errors
/// When the positions cannot be read.
pub(super) async fn read(connection: &mut PgConnection, catalog: &mut Catalog) -> Result<bool> {
    let owned: Vec<String> = catalog
        .of(Kind::Sequence)
        .filter(|(_, facets)| facets.get("owned_by").is_some())
        .map(|(id, _)| id.name.to_string())
        .collect();
    if owned.is_empty() {
        return Ok(true);
    }
    let doing = "read the positions of the sequences";
    let rows = sqlx::query(include_str!("position.sql"))
        .bind(&owned)
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| failure(doing, &error))?;
    let mut closed = 0_usize;
    let mut parts = Vec::new();
    for row in &rows {
        match row.get("readable") {
            Some(true) => {}
            Some(false) => {
                closed += 1;
                continue;
            }
            // Nobody has a privilege on what is gone.
            None => return Ok(false),
        }
        let text = |name: &str| row.get::<String, _>(name);
        let (sequence, column, table) = (text("sequence"), text("column"), text("table"));
        let step: i64 = row.get("step");
        let (extreme, past) = if step < 0 {
            ("min", ">=")
        } else {
            ("max", "<=")
        };
        let literal = quote_literal(&sequence)?;
        parts.push(format!(
            "SELECT {literal}::text AS sequence, s.last_value::numeric + CASE WHEN s.is_called THEN {step} ELSE 0 END {past} \
             (SELECT pg_catalog.{extreme}({column}) FROM {table}) AS behind FROM {sequence} s"
        ));
    }
    if closed > 0 {
        catalog.unseen.push(format!(
            "positions of {closed} sequences: the role may not read them or their tables"
        ));
    }
    for chunk in parts.chunks(500) {
        let asked = sqlx::query(AssertSqlSafe(chunk.join("\nUNION ALL ")))
            .fetch_all(&mut *connection)
            .await;
        let behind = match asked {
            Err(error) if is_gone(&error) => return Ok(false),
            asked => asked.map_err(|error| failure(doing, &error))?,
        };
        for row in behind {
            if row.get::<Option<bool>, _>("behind") == Some(true) {
                mark(catalog, &row.get::<String, _>("sequence"));
            }
        }
    }
    Ok(true)
}

/// Names are looked up among what is there now, not in the snapshot.
fn is_gone(error: &sqlx::Error) -> bool {
    concurrent::is_gone(error) || matches!(sqlstate(error), "42P01" | "42703" | "3F000")
}

fn mark(catalog: &mut Catalog, sequence: &str) {
    let id = Id::new(Kind::Sequence, "", sequence);
    if let Some(facets) = catalog.objects.get_mut(&id) {
        facets.set("behind", Some(Value::Flag(true)));
    }
}
