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
use sqlx::{AssertSqlSafe, Connection as _, Row};

use super::error::failure;
use super::{Server, session};
use crate::catalog::name::quote_literal;
use crate::catalog::{Catalog, Kind};
use crate::failure::Result;
use crate::spec::manifest::Manifest;

/// Every query gives rows of one shape, see [`row`]. These grow with the number of tables: they read
/// whole catalogs, and each joins them by hash.
const LARGE: [&str; 5] = [
    include_str!("column.sql"),
    include_str!("policy.sql"),
    include_str!("index.sql"),
    include_str!("constraint.sql"),
    include_str!("table.sql"),
];

/// How many of the large queries are about half the work.
const HALF: usize = 2;

/// These are short, with or without many tables.
const SMALL: [&str; 8] = [
    include_str!("database.sql"),
    include_str!("schema.sql"),
    include_str!("type.sql"),
    include_str!("sequence.sql"),
    include_str!("function.sql"),
    include_str!("trigger.sql"),
    include_str!("replication.sql"),
    include_str!("unmodelled.sql"),
];

const GRAPH: &str = include_str!("graph.sql");

const BEGIN: &str = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY";

/// What makes the server's words the same everywhere.
const SETTINGS: &str = "\
SET LOCAL search_path = '';
SET LOCAL DateStyle = 'ISO, YMD';
SET LOCAL IntervalStyle = 'iso_8601';
SET LOCAL TimeZone = 'UTC';
SET LOCAL extra_float_digits = 1;
SET LOCAL bytea_output = 'hex';
SET LOCAL quote_all_identifiers = off;
SET LOCAL jit = off;
SET LOCAL statement_timeout = 0";

/// From this size of `pg_attribute` on, a second connection is worth its start. Units: bytes.
const SECOND_BYTES_MIN: i64 = 2 << 20;

/// What the server has, as far as the queries depend on it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    version: i32,
    age: bool,
    age_readable: bool,
    large: bool,
}

/// Reads the catalog of the connection's database. `roles` are roles that matter even where the
/// database does not mention them.
///
/// # Errors
/// By SQLSTATE when a catalog cannot be read. Nothing is changed in any case.
pub async fn inspect(connection: &mut PgConnection, roles: &[&str]) -> Result<Catalog> {
    read(connection, None, roles).await
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
    of_project_with(connection, None, manifest, more).await
}

/// As [`of_project`]; a large catalog is read over a second connection to `server` at the same time, in the
/// same snapshot.
///
/// # Errors
/// As [`inspect`].
pub async fn of_project_on(
    server: &Server,
    connection: &mut PgConnection,
    manifest: &Manifest,
    more: &[String],
) -> Result<Catalog> {
    of_project_with(connection, Some(server), manifest, more).await
}

async fn of_project_with(
    connection: &mut PgConnection,
    server: Option<&Server>,
    manifest: &Manifest,
    more: &[String],
) -> Result<Catalog> {
    let mut roles = manifest.roles.names();
    roles.extend(more.iter().map(String::as_str));
    let mut catalog = read(connection, server, &roles).await?;
    if !manifest.extensions.contains_key("age") && catalog.of(Kind::Graph).next().is_none() {
        catalog.leave_out_extension("age", "ag_catalog");
    }
    Ok(catalog)
}

/// Reads in a transaction of its own.
async fn read(
    connection: &mut PgConnection,
    server: Option<&Server>,
    roles: &[&str],
) -> Result<Catalog> {
    let begin = format!("{BEGIN};\n{SETTINGS}");
    session::run(connection, &begin, "begin a read-only transaction").await?;
    let outcome = inside(connection, server, roles).await;
    // The connection is of no further use if this fails.
    let end = session::run(connection, "ROLLBACK", "end the read-only transaction").await;
    let catalog = outcome?;
    end.map(|()| catalog)
}

async fn inside(
    connection: &mut PgConnection,
    server: Option<&Server>,
    roles: &[&str],
) -> Result<Catalog> {
    let facts = facts(connection).await?;
    let script = |queries: &[&str]| script(queries, facts, roles);
    let graph = (facts.age && facts.age_readable).then_some(GRAPH);
    let small: Vec<&str> = SMALL.into_iter().chain(graph).collect();
    let second = match server {
        Some(server) if facts.large => beside(connection, server).await,
        _ => None,
    };
    let mut catalog = match second {
        Some(mut second) => {
            let first_half = format!("{}{}", script(&LARGE[..HALF])?, script(&small)?);
            let second_half = script(&LARGE[HALF..])?;
            let (mut catalog, mut other) = futures_util::future::try_join(
                collect(connection, first_half),
                collect(&mut second, second_half),
            )
            .await?;
            catalog.objects.append(&mut other.objects);
            let _ = second.close().await;
            catalog
        }
        None => collect(connection, script(&LARGE)? + &script(&small)?).await?,
    };
    catalog.major = u16::try_from(facts.version / 10_000).unwrap_or(0);
    if facts.age && !facts.age_readable {
        catalog.unseen.push(
            "graphs and labels: the role may not read ag_catalog.ag_graph and ag_label".to_owned(),
        );
    }
    catalog.unmodelled.sort();
    position::read(connection, &mut catalog).await?;
    Ok(catalog)
}

/// A second connection that sees what the first one sees. Nothing where there can be none: a limit of
/// connections, a pooler. One is enough.
async fn beside(connection: &mut PgConnection, server: &Server) -> Option<PgConnection> {
    let snapshot: String = sqlx::query_scalar("SELECT pg_catalog.pg_export_snapshot()")
        .fetch_one(connection)
        .await
        .ok()?;
    let (mut second, _) = session::open(server, "edu catalog").await.ok()?;
    let snapshot = quote_literal(&snapshot).ok()?;
    let begin = format!("{BEGIN};\nSET TRANSACTION SNAPSHOT {snapshot};\n{SETTINGS}");
    let begun = session::run(&mut second, &begin, "read beside another connection").await;
    begun.ok().map(|()| second)
}

/// Runs a script of queries and takes what it gives.
async fn collect(connection: &mut PgConnection, script: String) -> Result<Catalog> {
    let mut catalog = Catalog::default();
    let query = sqlx::raw_sql(AssertSqlSafe(script));
    let mut rows = query.fetch(connection);
    while let Some(found) = rows
        .try_next()
        .await
        .map_err(|error| failure("read the catalog", &error))?
    {
        row::take(&mut catalog, &found)?;
    }
    drop(rows);
    Ok(catalog)
}

async fn facts(connection: &mut PgConnection) -> Result<Facts> {
    let row = sqlx::query(
        "SELECT pg_catalog.current_setting('server_version_num')::int4 AS version,
                pg_catalog.pg_relation_size('pg_catalog.pg_attribute') AS size,
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
        large: row.get::<i64, _>("size") >= SECOND_BYTES_MIN,
    })
}

/// Queries as one message.
fn script(queries: &[&str], facts: Facts, roles: &[&str]) -> Result<String> {
    let mut sql = String::new();
    for query in queries {
        // Whole catalogs are joined by hash: what the planner guesses of them is off by thousands.
        let loops = if LARGE.contains(query) { "off" } else { "on" };
        sql.push_str(&format!("SET LOCAL enable_nestloop = {loops};\n"));
        sql.push_str(&fragment::expand(query, facts.version, roles)?);
        sql.push_str(";\n");
    }
    Ok(sql)
}
