//! Seed rows: in foreign-key order, in one transaction, as the role the policies are written for.
//!
//! Row-level security is never switched off. A block names a tenant and is written as the
//! application role inside that tenant's context, or says `as = "owner"` because no policy lets the
//! application write it. A row whose key is there already is left as it is.

use std::collections::HashMap;

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use sqlx::postgres::PgConnection;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, Row as _};

use super::error::{self, failure, server_error};
use super::session;
use crate::catalog::name::{Name, quote_ident};
use crate::failure::{Failure, Result};
use crate::progress::{Progress, Report, Unit};
use crate::spec::manifest::Manifest;
use crate::spec::seed::{Row, Seed, SeedTable, Value, Writer};

/// What seeding did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Outcome {
    /// Rows that were written.
    pub written: u64,
    /// Rows whose key was there already.
    pub present: u64,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.written, self.present) {
            (0, present) => write!(f, "nothing to do ({present} rows are there)"),
            (written, 0) => write!(f, "{written} rows written"),
            (written, present) => write!(f, "{written} rows written, {present} were there"),
        }
    }
}

/// Writes the rows that are missing. The lock is held by the caller.
///
/// # Errors
/// With file, line and column of the row that was refused; nothing was written then.
pub async fn run(
    connection: &mut PgConnection,
    manifest: &Manifest,
    seed: &Seed,
    report: Report<'_>,
) -> Result<Outcome> {
    session::reset(connection).await?;
    let order = order(connection, seed).await?;
    report(Progress::counted(
        "seeding",
        seed.row_count() as u64,
        Unit::Items,
    ));
    session::run(connection, "BEGIN", "begin a transaction").await?;
    let outcome = write(connection, manifest, seed, &order, report).await;
    report(Progress::Done);
    match outcome {
        Ok(outcome) => {
            session::run(connection, "COMMIT", "commit the seed rows").await?;
            Ok(outcome)
        }
        Err(failure) => {
            let _ = sqlx::raw_sql("ROLLBACK").execute(connection).await;
            Err(failure.detail("No row was written."))
        }
    }
}

async fn write(
    connection: &mut PgConnection,
    manifest: &Manifest,
    seed: &Seed,
    order: &[usize],
    report: Report<'_>,
) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for &index in order {
        let table = &seed.tables[index];
        enter(connection, manifest, seed, table).await?;
        for row in &table.rows {
            match insert(connection, table, row).await {
                Ok(0) => outcome.present += 1,
                Ok(_) => outcome.written += 1,
                Err(error) => return Err(refused(seed, table, row, &error)),
            }
            report(Progress::At(outcome.present + outcome.written));
        }
    }
    Ok(outcome)
}

/// Becomes whoever writes this block, inside the tenant's context if it has one.
async fn enter(
    connection: &mut PgConnection,
    manifest: &Manifest,
    seed: &Seed,
    table: &SeedTable,
) -> Result<()> {
    let (role, tenant, user) = match &table.writer {
        Writer::Owner => (manifest.roles.owner.as_deref(), None, None),
        Writer::Tenant { tenant, user } => (
            manifest.roles.application.as_deref(),
            Some(tenant.as_str()),
            user.as_deref(),
        ),
    };
    let unset = |key: &str| {
        Failure::usage(format!(
            "edu.toml does not say {key}, which this block needs"
        ))
        .at(seed.excerpt(table, table.span.clone(), "here"))
    };
    let mut set = Vec::new();
    if let Some(tenant) = tenant {
        role.ok_or_else(|| unset("roles.application"))?;
        set.push((
            manifest
                .context
                .tenant
                .as_deref()
                .ok_or_else(|| unset("context.tenant"))?,
            tenant,
        ));
        if let Some(setting) = manifest.context.user.as_deref() {
            set.push((setting, user.unwrap_or("")));
        } else if user.is_some() {
            return Err(unset("context.user"));
        }
    }
    session::run(connection, "RESET ROLE", "enter the writer's role").await?;
    let doing = format!("enter the context for {}", table.name);
    for (setting, value) in set {
        sqlx::query("SELECT pg_catalog.set_config($1, $2, true)")
            .bind(setting)
            .bind(value)
            .execute(&mut *connection)
            .await
            .map_err(|error| failure(&doing, &error))?;
    }
    session::become_role_locally(connection, role).await
}

/// Inserts the row unless its key is there. Returns how many rows were written.
///
/// The server reads every value from JSON by its column's type, so arrays, enums, JSON and vectors
/// need nothing of their own here.
async fn insert(connection: &mut PgConnection, table: &SeedTable, row: &Row) -> sqlx::Result<u64> {
    let columns: Vec<String> = row
        .values
        .iter()
        .map(|cell| quote_ident(&cell.column))
        .collect();
    let values: Vec<String> = columns.iter().map(|column| format!("r.{column}")).collect();
    let key: Vec<String> = table
        .key
        .iter()
        .map(|column| quote_ident(column))
        .map(|c| format!("t.{c} = r.{c}"))
        .collect();
    let sql = format!(
        "INSERT INTO {name} ({columns}) SELECT {values}
         FROM pg_catalog.jsonb_populate_record(NULL::{name}, $1) AS r
         WHERE NOT EXISTS (SELECT FROM {name} AS t WHERE {key})",
        name = table.name,
        columns = columns.join(", "),
        values = values.join(", "),
        key = key.join(" AND "),
    );
    let record: serde_json::Map<String, serde_json::Value> = row
        .values
        .iter()
        .map(|cell| (cell.column.clone(), json(&cell.value)))
        .collect();
    let done = sqlx::query(AssertSqlSafe(sql))
        .bind(Json(record))
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Text(text) | Value::Time(text) => serde_json::Value::from(text.as_str()),
        Value::Integer(number) => serde_json::Value::from(*number),
        Value::Float(number) => serde_json::Value::from(*number),
        Value::Bool(truth) => serde_json::Value::from(*truth),
        Value::Json(json) => json.clone(),
    }
}

fn refused(seed: &Seed, table: &SeedTable, row: &Row, error: &sqlx::Error) -> Failure {
    let named = server_error(error).and_then(|server| {
        row.values.iter().find(|cell| {
            Some(cell.column.as_str()) == server.column()
                || server
                    .message()
                    .contains(&format!("column \"{}\"", cell.column))
        })
    });
    let span = named.map_or(row.span.clone(), |cell| cell.span.clone());
    let excerpt = seed.excerpt(table, span, error::sqlstate(error).to_owned());
    let (line, column) = excerpt.position();
    let mut told = failure(&format!("write a row of {}", table.name), error);
    told.error = format!(
        "\"{}\" failed at line {line}, column {column}",
        excerpt.path
    );
    if error::sqlstate(error) == "42501" && matches!(table.writer, Writer::Tenant { .. }) {
        told = told
            .exit(crate::failure::Exit::Sql)
            .hint("If the policies deny this row to the application on purpose, write its block with: as = \"owner\"");
    }
    told.at(excerpt)
}

/// The blocks in an order in which every row finds the rows it refers to: by foreign keys, and where
/// these say nothing or go in a circle, as the files have them.
async fn order(connection: &mut PgConnection, seed: &Seed) -> Result<Vec<usize>> {
    let mut first: HashMap<String, NodeIndex> = HashMap::new();
    let mut graph: DiGraph<String, ()> = DiGraph::new();
    for table in &seed.tables {
        let name = table.name.to_string();
        first
            .entry(name.clone())
            .or_insert_with(|| graph.add_node(name));
    }
    let rows = sqlx::query(
        "SELECT cn.nspname::text AS child_schema, c.relname::text AS child,
                pn.nspname::text AS parent_schema, p.relname::text AS parent
         FROM pg_catalog.pg_constraint k
         JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
         JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace
         JOIN pg_catalog.pg_class p ON p.oid = k.confrelid
         JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
         WHERE k.contype = 'f' AND k.conrelid <> k.confrelid",
    )
    .fetch_all(connection)
    .await
    .map_err(|error| failure("read the foreign keys", &error))?;
    for row in rows {
        let end = |schema: &str, name: &str| {
            let name = Name::new(row.get::<String, _>(schema), row.get::<String, _>(name)).ok()?;
            first.get(&name.to_string()).copied()
        };
        if let (Some(child), Some(parent)) =
            (end("child_schema", "child"), end("parent_schema", "parent"))
        {
            graph.add_edge(child, parent, ());
        }
    }
    let mut rank: HashMap<&str, usize> = HashMap::new();
    for (position, circle) in tarjan_scc(&graph).iter().enumerate() {
        for node in circle {
            rank.insert(&graph[*node], position);
        }
    }
    let mut order: Vec<usize> = (0..seed.tables.len()).collect();
    order.sort_by_key(|&index| {
        (
            rank.get(seed.tables[index].name.to_string().as_str())
                .copied(),
            index,
        )
    });
    Ok(order)
}
