//! A row that the server refused: which value of it, and where that stands.

use std::ops::Range;

use serde_json::Value as Json;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::value::Record;
use super::{Plan, Stop, is_null};
use crate::catalog::name::quote_ident;
use crate::failure::{Exit, Failure};
use crate::pg::error::{failure, server_error, sqlstate};
use crate::spec::seed::{Cell, Row, RowId, SeedTable, WriterRole};

/// What the server refused.
pub(super) struct Refused {
    id: RowId,
    record: Record,
    error: sqlx::Error,
}

impl Refused {
    /// The writing ends because of this row.
    pub fn stop(id: RowId, record: Record, error: sqlx::Error) -> Stop {
        Stop::Refused(Box::new(Self { id, record, error }))
    }

    /// The failure with its place. The transaction is over: the server is asked which value it was.
    pub async fn told(self, connection: &mut PgConnection, plan: &Plan<'_>) -> Failure {
        let (table, row) = plan.seed.row(self.id);
        let named = match named(table, row, &self.error) {
            Some(cell) => Some(cell),
            None => match constrained(connection, table, row, &self.error).await {
                Some(cell) => Some(cell),
                None => self.unreadable(connection, plan, row).await,
            },
        };
        let span: Range<usize> = named.map_or(row.span.clone(), |cell| cell.span.clone());
        let excerpt = plan
            .seed
            .excerpt(table, span, sqlstate(&self.error).to_owned());
        let (line, column) = excerpt.position();
        let mut told = failure(&format!("write a row of {}", table.name), &self.error);
        if server_error(&self.error).is_some() {
            told.error = format!(
                "\"{}\" failed at line {line}, column {column}",
                excerpt.path
            );
        }
        if sqlstate(&self.error) == "42501" {
            told = told.exit(Exit::Sql).hint(way_out(table));
        }
        told.at(excerpt)
    }

    /// The value that its column's type cannot be read from.
    async fn unreadable<'a>(
        &self,
        connection: &mut PgConnection,
        plan: &Plan<'_>,
        row: &'a Row,
    ) -> Option<&'a Cell> {
        if !sqlstate(&self.error).starts_with("22") && sqlstate(&self.error) != "23514" {
            return None;
        }
        let shape = plan.shape.columns(&plan.seed.row(self.id).0.name).ok()?;
        for cell in row.values.iter().filter(|cell| !is_null(&cell.value)) {
            let (column, value) = (
                shape.get(&cell.column)?,
                self.record.values.get(&cell.column)?,
            );
            let sql = format!(
                "SELECT FROM pg_catalog.jsonb_to_record($1) AS r (v {}) WHERE r.v IS NULL",
                column.kind
            );
            let read = sqlx::query(AssertSqlSafe(sql))
                .bind(Json::Object(
                    [("v".to_owned(), value.clone())].into_iter().collect(),
                ))
                .execute(&mut *connection)
                .await;
            if read.is_err_and(|error| sqlstate(&error) == sqlstate(&self.error)) {
                return Some(cell);
            }
        }
        None
    }
}

/// The value whose column the server names.
fn named<'a>(table: &SeedTable, row: &'a Row, error: &sqlx::Error) -> Option<&'a Cell> {
    let server = server_error(error)?;
    let own = server.table().is_none_or(|name| name == table.name.name);
    row.values.iter().find(|cell| {
        own && (Some(cell.column.as_str()) == server.column()
            || server
                .message()
                .contains(&format!("column {}", quote_ident(&cell.column)))
            || server
                .message()
                .contains(&format!("column \"{}\"", cell.column)))
    })
}

/// The value that the named constraint is about. A key of several columns is most often wrong in its last.
async fn constrained<'a>(
    connection: &mut PgConnection,
    table: &SeedTable,
    row: &'a Row,
    error: &sqlx::Error,
) -> Option<&'a Cell> {
    let server = server_error(error)?;
    let columns: Vec<String> = sqlx::query_scalar(
        "SELECT a.attname::text FROM pg_catalog.pg_namespace n
         JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid
         LEFT JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid AND k.conname = $3
         LEFT JOIN pg_catalog.pg_class x ON x.relname = $3 AND x.relnamespace = n.oid
         LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = x.oid AND i.indrelid = c.oid
         JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
           AND (a.attnum = ANY (k.conkey) OR a.attnum = ANY (i.indkey::int2[]))
         WHERE n.nspname = $1 AND c.relname = $2 ORDER BY a.attnum DESC",
    )
    .bind(&table.name.schema)
    .bind(&table.name.name)
    .bind(server.constraint()?)
    .fetch_all(connection)
    .await
    .ok()?;
    columns.iter().find_map(|column| row.cell(column))
}

fn way_out(table: &SeedTable) -> &'static str {
    match table.writer.role {
        WriterRole::Application => {
            "If the policies deny this row to the application on purpose, write its block with: as = \"owner\""
        }
        WriterRole::Owner if table.writer.tenant.is_none() && table.writer.user.is_none() => {
            "Where row security is forced, the owner enters a context too: write tenant = \"<id>\" beside as = \"owner\""
        }
        WriterRole::Owner => "The policies refuse the row to the owner, too: see edu db rls matrix",
    }
}
