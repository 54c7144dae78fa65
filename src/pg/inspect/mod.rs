//! Reading a database's catalog: a handful of set-based queries in one message, in one transaction
//! that is REPEATABLE READ and READ ONLY. Nothing is written, no row of a table is read, save the
//! greatest value of a column that a sequence fills.
//!
//! The search path is empty while reading, so that every name in an expression comes out qualified,
//! whatever the database, role or session says.

mod fragment;
mod position;
mod row;

use futures_util::TryStreamExt as _;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};

use super::error::failure;
use super::session;
use crate::catalog::{Catalog, Kind};
use crate::failure::Result;
use crate::spec::manifest::Manifest;

/// Every query gives rows of one shape, see [`row`].
const QUERIES: &[&str] = &[
    include_str!("database.sql"),
    include_str!("schema.sql"),
    include_str!("type.sql"),
    include_str!("table.sql"),
    include_str!("column.sql"),
    include_str!("constraint.sql"),
    include_str!("index.sql"),
    include_str!("sequence.sql"),
    include_str!("policy.sql"),
    include_str!("function.sql"),
    include_str!("trigger.sql"),
    include_str!("replication.sql"),
    include_str!("unmodelled.sql"),
];

const GRAPH: &str = include_str!("graph.sql");

/// What makes the server's words the same everywhere.
const BEGIN: &str = "\
BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;
SET LOCAL search_path = '';
SET LOCAL DateStyle = 'ISO, YMD';
SET LOCAL IntervalStyle = 'iso_8601';
SET LOCAL TimeZone = 'UTC';
SET LOCAL extra_float_digits = 1;
SET LOCAL bytea_output = 'hex';
SET LOCAL quote_all_identifiers = off;
SET LOCAL jit = off;
SET LOCAL statement_timeout = 0";

/// What the server has, as far as the queries depend on it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    version: i32,
    age: bool,
    age_readable: bool,
}

/// Reads the catalog of the connection's database. `roles` are roles that matter even where the
/// database does not mention them.
///
/// # Errors
/// By SQLSTATE when a catalog cannot be read. Nothing is changed in any case.
pub async fn inspect(connection: &mut PgConnection, roles: &[&str]) -> Result<Catalog> {
    session::run(connection, BEGIN, "begin a read-only transaction").await?;
    let outcome = read(connection, roles).await;
    // The connection is of no further use if this fails.
    let end = session::run(connection, "ROLLBACK", "end the read-only transaction").await;
    let catalog = outcome?;
    end.map(|()| catalog)
}

/// Reads the catalog as [`inspect`] does, for a project: its roles and `more` matter, and AGE is left out
/// where the project does not ask for it and no graph is there. A server that preloads AGE wants the
/// extension in every database; it is no part of what such a project wants.
///
/// # Errors
/// As [`inspect`].
pub async fn of_project(
    connection: &mut PgConnection,
    manifest: &Manifest,
    more: &[String],
) -> Result<Catalog> {
    let mut roles = manifest.roles.names();
    roles.extend(more.iter().map(String::as_str));
    let mut catalog = inspect(connection, &roles).await?;
    if !manifest.extensions.contains_key("age") && catalog.of(Kind::Graph).next().is_none() {
        catalog.leave_out_extension("age", "ag_catalog");
    }
    Ok(catalog)
}

async fn read(connection: &mut PgConnection, roles: &[&str]) -> Result<Catalog> {
    let doing = "read the catalog";
    let facts = facts(connection).await?;
    let sql = script(facts, roles)?;
    let mut catalog = Catalog {
        major: u16::try_from(facts.version / 10_000).unwrap_or(0),
        ..Catalog::default()
    };
    if facts.age && !facts.age_readable {
        catalog.unseen.push(
            "graphs and labels: the role may not read ag_catalog.ag_graph and ag_label".to_owned(),
        );
    }
    {
        let query = sqlx::raw_sql(AssertSqlSafe(sql));
        let mut rows = query.fetch(&mut *connection);
        while let Some(found) = rows.try_next().await.map_err(|e| failure(doing, &e))? {
            row::take(&mut catalog, &found)?;
        }
    }
    catalog.unmodelled.sort();
    position::read(connection, &mut catalog).await?;
    Ok(catalog)
}

async fn facts(connection: &mut PgConnection) -> Result<Facts> {
    let row = sqlx::query(
        "SELECT pg_catalog.current_setting('server_version_num')::int4 AS version,
                e.oid IS NOT NULL AS age,
                COALESCE(pg_catalog.has_schema_privilege(n.oid, 'USAGE')
                    AND pg_catalog.has_table_privilege(g.oid, 'SELECT')
                    AND pg_catalog.has_table_privilege(l.oid, 'SELECT'), false) AS age_readable
         FROM (SELECT) AS one
         LEFT JOIN pg_catalog.pg_extension e ON e.extname = 'age'
         LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = 'ag_catalog'
         LEFT JOIN pg_catalog.pg_class g ON g.relnamespace = n.oid AND g.relname = 'ag_graph'
         LEFT JOIN pg_catalog.pg_class l ON l.relnamespace = n.oid AND l.relname = 'ag_label'",
    )
    .fetch_one(connection)
    .await
    .map_err(|error| failure("read the server's version", &error))?;
    Ok(Facts {
        version: row.get("version"),
        age: row.get("age"),
        age_readable: row.get("age_readable"),
    })
}

/// All queries as one message.
fn script(facts: Facts, roles: &[&str]) -> Result<String> {
    let graph = (facts.age && facts.age_readable).then_some(GRAPH);
    let mut sql = String::new();
    for query in QUERIES.iter().copied().chain(graph) {
        sql.push_str(&fragment::expand(query, facts.version, roles)?);
        sql.push_str(";\n");
    }
    Ok(sql)
}
