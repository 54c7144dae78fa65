//! One statement inside a savepoint, and what came of it.

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Row, ValueRef};

use crate::failure::Result;
use crate::pg::error::{self, failure};
use crate::pg::session;
use crate::probe::verdict::Outcome;

/// Runs a statement of edu's own.
pub(super) async fn run(connection: &mut PgConnection, sql: &str) -> Result<()> {
    session::run(connection, sql, "prepare an attempt").await
}

/// Undoes everything since [`attempt`] began.
pub(super) async fn undo(connection: &mut PgConnection) -> Result<()> {
    run(
        connection,
        "ROLLBACK TO SAVEPOINT edu_attempt; RELEASE SAVEPOINT edu_attempt",
    )
    .await
}

/// Attempts a statement in a savepoint that stays open: call [`undo`] or [`keep`] next.
///
/// # Errors
/// When the connection is lost. What the server refuses is an outcome.
pub(super) async fn attempt(connection: &mut PgConnection, sql: &str) -> Result<Outcome> {
    let text = format!("SAVEPOINT edu_attempt; {sql}");
    let mut outcome = Outcome::default();
    let result = if counts(sql) {
        let done = sqlx::raw_sql(AssertSqlSafe(text))
            .execute(&mut *connection)
            .await;
        done.map(|done| outcome.rows = i64::try_from(done.rows_affected()).unwrap_or(i64::MAX))
    } else {
        let rows = sqlx::raw_sql(AssertSqlSafe(text))
            .fetch_all(&mut *connection)
            .await;
        rows.map(|rows| {
            outcome.rows = rows.last().map_or(0, |row| first(row).parse().unwrap_or(1));
            outcome.text = rows.iter().map(whole).collect::<Vec<_>>().join("\n");
        })
    };
    if let Err(wrong) = result {
        let Some(server) = error::server_error(&wrong) else {
            return Err(failure("make an attempt", &wrong));
        };
        outcome.error = Some(server.code().to_owned());
        outcome.message = server.message().to_owned();
    }
    Ok(outcome)
}

/// Keeps what an attempt did.
pub(super) async fn keep(connection: &mut PgConnection) -> Result<()> {
    run(connection, "RELEASE SAVEPOINT edu_attempt").await
}

/// Whether the statement answers with a number of rows rather than with rows.
fn counts(sql: &str) -> bool {
    ["INSERT", "UPDATE", "DELETE", "TRUNCATE", "CALL"]
        .iter()
        .any(|word| sql.starts_with(word))
        && !sql.contains(" RETURNING ")
}

/// One value as text. Shape: empty for NULL or no row.
pub(super) async fn one(connection: &mut PgConnection, sql: &str) -> Result<String> {
    let rows = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .fetch_all(connection)
        .await;
    let rows = rows.map_err(|error| failure("look at the outcome of an attempt", &error))?;
    Ok(rows.first().map(first).unwrap_or_default())
}

fn first(row: &PgRow) -> String {
    value(row, 0)
}

fn whole(row: &PgRow) -> String {
    (0..row.columns().len())
        .map(|at| value(row, at))
        .collect::<Vec<_>>()
        .join("\t")
}

fn value(row: &PgRow, at: usize) -> String {
    match row.try_get_raw(at) {
        Ok(value) if !value.is_null() => value.as_str().unwrap_or_default().to_owned(),
        _ => String::new(),
    }
}
