//! Reading a database's catalog: a handful of set-based queries in one message, in one transaction
//! that is REPEATABLE READ and READ ONLY. Nothing is written, no row of a table is read, save the
//! greatest value of a column that a sequence fills.
//!
//! The search path is empty while reading, so that every name in an expression comes out qualified,
//! whatever the database, role or session says.

mod fragment;
mod passing;
mod position;
mod row;

use std::sync::Mutex;

use futures_util::TryStreamExt as _;
use futures_util::future::join;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, Row};

use super::error::failure;
use super::{Server, concurrent, session};
use crate::catalog::name::quote_literal;
use crate::catalog::{Catalog, Kind};
use crate::failure::Result;
use crate::spec::manifest::Manifest;

/// A query, and whether it reads whole catalogs: those grow with the number of tables, and each joins by
/// hash. Every query gives rows of one shape, see [`row`].
type Query = (&'static str, bool);

/// The longest first, so that two connections end at about the same time.
const QUERIES: [Query; 13] = [
    (include_str!("index.sql"), true),
    (include_str!("policy.sql"), true),
    (include_str!("column.sql"), true),
    (include_str!("constraint.sql"), true),
    (include_str!("table.sql"), true),
    (include_str!("type.sql"), false),
    (include_str!("schema.sql"), false),
    (include_str!("database.sql"), false),
    (include_str!("function.sql"), false),
    (include_str!("unmodelled.sql"), false),
    (include_str!("trigger.sql"), false),
    (include_str!("sequence.sql"), false),
    (include_str!("replication.sql"), false),
];

const GRAPH: Query = (include_str!("graph.sql"), false);

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

/// What the server has, as far as the queries depend on it.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    version: i32,
    age: bool,
    age_readable: bool,
    /// What another connection needs to see the same state; only where one is to be opened.
    snapshot: Option<String>,
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

/// As [`of_project`]; a second connection to `server` reads along, in the same snapshot.
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
    for _ in 0..concurrent::READS_MAX {
        let outcome = inside(connection, server, roles).await;
        // The connection is of no further use if this fails.
        let end = session::run(connection, "ROLLBACK", "end the read-only transaction").await;
        let Some(mut catalog) = outcome? else {
            continue;
        };
        end?;
        passing::leave_out(connection, &mut catalog).await?;
        return Ok(catalog);
    }
    Err(concurrent::restless("the database"))
}

/// Nothing where the database changed meanwhile.
async fn inside(
    connection: &mut PgConnection,
    server: Option<&Server>,
    roles: &[&str],
) -> Result<Option<Catalog>> {
    let facts = begin(connection, server.is_some()).await?;
    let graph = (facts.age && facts.age_readable).then_some(GRAPH);
    let mut scripts = Vec::new();
    for query in QUERIES.into_iter().chain(graph) {
        scripts.push(script(query, &facts, roles)?);
    }
    let left = Mutex::new(scripts.into_iter());
    let (first, second) = join(collect(connection, &left), async {
        let mut second = beside(server?, facts.snapshot.as_deref()?).await?;
        let read = collect(&mut second, &left).await;
        let _ = second.close().await;
        Some(read)
    })
    .await;
    let Some(mut catalog) = first? else {
        return Ok(None);
    };
    if let Some(second) = second {
        let Some(mut second) = second? else {
            return Ok(None);
        };
        catalog.objects.append(&mut second.objects);
        catalog.unmodelled.append(&mut second.unmodelled);
    }
    catalog.major = u16::try_from(facts.version / 10_000).unwrap_or(0);
    if facts.age && !facts.age_readable {
        catalog.unseen.push(
            "graphs and labels: the role may not read ag_catalog.ag_graph and ag_label".to_owned(),
        );
    }
    catalog.unmodelled.sort();
    let settled = position::read(connection, &mut catalog).await?;
    Ok(settled.then_some(catalog))
}

/// A second connection that sees what the first one sees. Nothing where there can be none: a limit of
/// connections, a pooler. One is enough.
async fn beside(server: &Server, snapshot: &str) -> Option<PgConnection> {
    let (mut second, _) = session::open(server, "edu catalog").await.ok()?;
    let snapshot = quote_literal(snapshot).ok()?;
    let begin = format!("{BEGIN};\nSET TRANSACTION SNAPSHOT {snapshot};\n{SETTINGS}");
    let begun = session::run(&mut second, &begin, "read beside another connection").await;
    begun.ok().map(|()| second)
}

/// Runs queries as long as there are any left, and takes what they give. Nothing where one met what is gone.
async fn collect(
    connection: &mut PgConnection,
    left: &Mutex<std::vec::IntoIter<String>>,
) -> Result<Option<Catalog>> {
    let mut catalog = Catalog::default();
    loop {
        let Some(script) = left.lock().ok().and_then(|mut left| left.next()) else {
            return Ok(Some(catalog));
        };
        let query = sqlx::raw_sql(AssertSqlSafe(script));
        let mut rows = query.fetch(&mut *connection);
        loop {
            match rows.try_next().await {
                Ok(Some(found)) => row::take(&mut catalog, &found)?,
                Ok(None) => break,
                Err(error) if concurrent::is_gone(&error) => return Ok(None),
                Err(error) => return Err(failure("read the catalog", &error)),
            }
        }
    }
}

/// Begins the transaction and asks what the queries depend on, in one message. `share` says that another
/// connection is to see the same state.
async fn begin(connection: &mut PgConnection, share: bool) -> Result<Facts> {
    let snapshot = match share {
        true => "pg_catalog.pg_export_snapshot()",
        false => "NULL::text",
    };
    let sql = format!(
        "{BEGIN};\n{SETTINGS};
         SELECT pg_catalog.current_setting('server_version_num')::int4 AS version,
                {snapshot} AS snapshot,
                e.oid IS NOT NULL AS age,
                COALESCE(pg_catalog.has_schema_privilege(n.oid, 'USAGE')
                    AND pg_catalog.has_table_privilege(g.oid, 'SELECT')
                    AND pg_catalog.has_table_privilege(l.oid, 'SELECT'), false) AS age_readable
         FROM (SELECT) AS one
         LEFT JOIN pg_catalog.pg_extension e ON e.extname = 'age'
         LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = 'ag_catalog'
         LEFT JOIN pg_catalog.pg_class g ON g.relnamespace = n.oid AND g.relname = 'ag_graph'
         LEFT JOIN pg_catalog.pg_class l ON l.relnamespace = n.oid AND l.relname = 'ag_label'"
    );
    let row = sqlx::raw_sql(AssertSqlSafe(sql))
        .fetch_one(connection)
        .await
        .map_err(|error| failure("begin to read the catalog", &error))?;
    Ok(Facts {
        version: row.get("version"),
        age: row.get("age"),
        age_readable: row.get("age_readable"),
        snapshot: row.get("snapshot"),
    })
}

/// A query as one message. Whole catalogs are joined by hash: what the planner guesses of them is off by
/// thousands.
fn script((query, large): Query, facts: &Facts, roles: &[&str]) -> Result<String> {
    let other = if large { "off" } else { "on" };
    let sql = fragment::expand(query, facts.version, roles)?;
    Ok(format!(
        "SET LOCAL enable_nestloop = {other}; SET LOCAL enable_mergejoin = {other};\n{sql}"
    ))
}
