//! Asking the graph as the application would: its role, its tenant, its settings.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::{Arguments, AssertSqlSafe, Column, Executor, Row, SqlSafeStr, Statement, TypeInfo};

use super::agtype::Agtype;
use crate::catalog::name::quote_literal;
use crate::failure::{Failure, Result};
use crate::graph::query::{Runnable, json};
use crate::pg::error::failure;
use crate::pg::session;
use crate::spec::manifest::Manifest;
use crate::spec::query::Language;

/// Who asks.
#[derive(Debug, Clone, Default)]
pub struct Asker {
    /// The tenant's id.
    pub tenant: Option<String>,
    /// The user's id.
    pub user: Option<String>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The columns' names.
    pub columns: Vec<String>,
    /// The rows; agtype, numbers, truth values and JSON as such, everything else as text.
    pub rows: Vec<Vec<Value>>,
}

/// Begins a transaction as the application, inside the asker's context.
///
/// # Errors
/// Exit 2 when a context is given that `edu.toml` has no setting for.
pub async fn enter(
    connection: &mut PgConnection,
    manifest: &Manifest,
    asker: &Asker,
    timeout: Duration,
) -> Result<()> {
    // Loads AGE where the server does not: a role that is no superuser could not.
    session::run(connection, "SELECT '1'::ag_catalog.agtype", "load AGE").await?;
    let begin = format!(
        "BEGIN; SET LOCAL statement_timeout = '{}ms'",
        timeout.as_millis()
    );
    session::run(connection, &begin, "begin a transaction").await?;
    context(connection, manifest, asker).await?;
    session::become_role_locally(connection, manifest.roles.application.as_deref()).await
}

/// Sets tenant and user for the rest of the transaction.
///
/// # Errors
/// Exit 2 when a value is given that `edu.toml` has no setting for.
pub async fn context(
    connection: &mut PgConnection,
    manifest: &Manifest,
    asker: &Asker,
) -> Result<()> {
    let settings = [
        (&asker.tenant, &manifest.context.tenant, "tenant"),
        (&asker.user, &manifest.context.user, "user"),
    ];
    for (value, setting, what) in settings {
        let Some(value) = value else { continue };
        let Some(setting) = setting else {
            return Err(Failure::usage(format!("edu.toml has no context.{what}")));
        };
        let sql = format!(
            "SELECT pg_catalog.set_config({}, {}, true)",
            quote_literal(setting)?,
            quote_literal(value)?
        );
        session::run(
            connection,
            &sql,
            &format!("enter the context of {what} \"{value}\""),
        )
        .await?;
    }
    Ok(())
}

/// Runs a query inside the transaction that [`enter`] began. Parameters that are not given are NULL.
///
/// # Errors
/// Exit 2 for a value that does not fit its type, else by SQLSTATE.
pub async fn ask(
    connection: &mut PgConnection,
    graph: &str,
    query: &Runnable,
    values: &BTreeMap<String, Value>,
) -> Result<Answer> {
    let query = &described(connection, query).await?;
    let arguments = arguments(query, values)?;
    let sql = query.as_texts(graph)?;
    let rows = sqlx::query_with(AssertSqlSafe(sql), arguments)
        .fetch_all(connection)
        .await
        .map_err(|error| failure("run the query", &error))?;
    let columns: Vec<String> = query.columns.iter().map(|(name, _)| name.clone()).collect();
    let rows = rows
        .iter()
        .map(|row| {
            let cells = query.columns.iter().enumerate();
            cells
                .map(|(at, (_, kind))| cell(kind, row.get::<Option<String>, _>(at)))
                .collect()
        })
        .collect();
    Ok(Answer { columns, rows })
}

/// The plan of a query, as EXPLAIN prints it with costs off. Nothing is run.
///
/// # Errors
/// By SQLSTATE.
pub async fn explain(
    connection: &mut PgConnection,
    graph: &str,
    query: &Runnable,
    values: &BTreeMap<String, Value>,
) -> Result<String> {
    let sql = format!("EXPLAIN (COSTS OFF) {}", query.statement(graph)?);
    let lines: Vec<String> = sqlx::query_scalar_with(AssertSqlSafe(sql), arguments(query, values)?)
        .fetch_all(connection)
        .await
        .map_err(|error| failure("plan the query", &error))?;
    Ok(lines.join("\n"))
}

/// Asks the server for columns and parameter types of SQL that nobody declared.
async fn described(connection: &mut PgConnection, query: &Runnable) -> Result<Runnable> {
    let mut query = query.clone();
    if query.language == Language::Cypher || !query.columns.is_empty() {
        return Ok(query);
    }
    let doing = "look at the query's columns";
    let text = query.text.trim_end().trim_end_matches(';').to_owned();
    let statement = connection
        .prepare(AssertSqlSafe(text).into_sql_str())
        .await
        .map_err(|error| failure(doing, &error))?;
    query.columns = statement
        .columns()
        .iter()
        .map(|column| {
            (
                column.name().to_owned(),
                column.type_info().name().to_lowercase(),
            )
        })
        .collect();
    if let Some(sqlx::Either::Left(types)) = statement.parameters() {
        for (parameter, kind) in query.parameters.iter_mut().zip(types) {
            parameter.1 = kind.name().to_lowercase();
        }
    }
    Ok(query)
}

fn arguments(query: &Runnable, values: &BTreeMap<String, Value>) -> Result<PgArguments> {
    let mut arguments = PgArguments::default();
    let refused = |error: sqlx::error::BoxDynError| {
        Failure::bug("could not encode a parameter").detail(error.to_string())
    };
    if query.language == Language::Cypher {
        if !query.parameters.is_empty() {
            let names = query.parameters.iter().map(|(name, _)| name);
            let map: serde_json::Map<String, Value> = names
                .map(|name| {
                    (
                        name.clone(),
                        values.get(name).cloned().unwrap_or(Value::Null),
                    )
                })
                .collect();
            arguments
                .add(Agtype(Value::from(map).to_string()))
                .map_err(refused)?;
        }
        return Ok(arguments);
    }
    for (name, kind) in &query.parameters {
        let text = values.get(name).and_then(|value| match value {
            Value::Null => None,
            Value::String(text) if !matches!(kind.as_str(), "agtype" | "json" | "jsonb") => {
                Some(text.clone())
            }
            other => Some(other.to_string()),
        });
        match kind.as_str() {
            "agtype" => arguments.add(text.map(Agtype)).map_err(refused)?,
            _ => arguments.add(text).map_err(refused)?,
        }
    }
    Ok(arguments)
}

fn cell(kind: &str, text: Option<String>) -> Value {
    let Some(text) = text else { return Value::Null };
    match kind.to_lowercase().as_str() {
        "agtype" | "ag_catalog.agtype" | "json" | "jsonb" => json(&text),
        "smallint" | "integer" | "bigint" | "int2" | "int4" | "int8" | "int" | "real"
        | "double precision" | "float4" | "float8" => json(&text),
        "boolean" | "bool" => Value::from(matches!(text.as_str(), "t" | "true")),
        _ => Value::from(text),
    }
}
