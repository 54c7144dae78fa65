//! Reading what a plan depends on: the relations that statements name, with their sizes and structure.
//!
//! It reads the catalogs and file sizes, never a row.

use std::time::Duration;

use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};

use super::error::{failure, server_error};
use super::message::{Message, silence};
use super::session;
use crate::catalog::name::quote_literal;
use crate::failure::{Failure, Result};
use crate::plan::facts::{Facts, Live};
use crate::sql::effect::Target;

/// Nobody is kept waiting, and nobody is waited for over long.
const BEGIN: &str = "BEGIN READ ONLY; SET LOCAL lock_timeout = '3s'";

/// How long the server may take for it: sizes of thousands of tables are read from its file system.
const ANSWER_MAX: Duration = Duration::from_secs(20);

const DOING: &str = "look at the tables that the migrations change";

/// Reads the facts about `targets`. `graph` is the project's graph, which may not be there yet.
///
/// # Errors
/// Exit 6 when a table stays locked exclusively for three seconds; by SQLSTATE otherwise.
pub async fn read(
    connection: &mut PgConnection,
    targets: &[Target],
    graph: Option<&str>,
) -> Result<Facts> {
    let (mut schemas, mut names, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    for target in targets {
        match target {
            Target::Relation(it) | Target::Index(it) => {
                schemas.push(it.schema.clone());
                names.push(it.name.clone());
            }
            Target::Schema(schema) => whole.push(schema.clone()),
            Target::Nothing => {}
        }
    }
    let (mut facts, some_there) = overview(connection, &names).await?;
    if some_there || !whole.is_empty() {
        let reading = async {
            session::run(connection, BEGIN, DOING).await?;
            let rows = sqlx::query(include_str!("inspect/live.sql"))
                .bind(schemas)
                .bind(names)
                .bind(whole)
                .fetch_all(&mut *connection)
                .await
                .map_err(|error| failure(DOING, &error));
            session::run(connection, "ROLLBACK", DOING).await?;
            rows
        };
        let rows = tokio::time::timeout(ANSWER_MAX, reading)
            .await
            .map_err(|_| failure(DOING, &silence()))??;
        facts.relations = rows.iter().map(live).collect();
    }
    if let Some(graph) = graph.filter(|graph| !facts.graphs.iter().any(|one| one == graph)) {
        facts.graphs.push(graph.to_owned());
    }
    Ok(facts)
}

/// What holds for the database as a whole, and whether it has any relation of one of the `names`, in one
/// round trip. edu's own tables and AGE's catalogs do not count as rows. A graph is told by the parent of
/// its vertex labels: a deployer need not be able to read AGE's catalogs.
async fn overview(connection: &mut PgConnection, names: &[String]) -> Result<(Facts, bool)> {
    let names: Vec<String> = names
        .iter()
        .map(|n| quote_literal(n))
        .collect::<Result<_>>()?;
    let mut message = Message::default();
    message.add(BEGIN);
    message.add(&format!(
        "SELECT pg_catalog.current_database()::text AS database,
                pg_catalog.current_setting('server_version_num')::int4 / 10000 AS major,
                COALESCE((SELECT pg_catalog.array_agg(n.nspname::text ORDER BY n.nspname)
                          FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                          WHERE c.relname = '_ag_label_vertex'), '{{}}') AS graphs,
                EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relname = ANY (ARRAY[{}]::text[])) AS some_there,
                EXISTS (SELECT FROM pg_catalog.pg_class c
                        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                        WHERE c.relkind = 'r' AND c.relpersistence <> 't'
                          AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'ag_catalog', 'edu')
                          AND c.relname <> 'refinery_schema_history'
                          AND pg_catalog.pg_relation_size(c.oid) > 0) AS has_rows",
        names.join(", ")
    ));
    message.add("ROLLBACK");
    let rows = match message.send(connection).await {
        Ok(rows) => rows,
        Err(stop) => {
            // Where the network went silent nobody would answer this either.
            if server_error(&stop.error).is_some() {
                session::run(connection, "ROLLBACK", DOING).await?;
            }
            return Err(failure(DOING, &stop.error));
        }
    };
    let row = rows
        .first()
        .ok_or_else(|| Failure::bug("the server did not describe itself"))?;
    let facts = Facts {
        database: row.get("database"),
        major: u16::try_from(row.get::<i32, _>("major")).unwrap_or(0),
        relations: Vec::new(),
        graphs: row.get("graphs"),
        has_rows: row.get("has_rows"),
    };
    Ok((facts, row.get("some_there")))
}

fn live(row: &PgRow) -> Live {
    let unsigned = |value: i64| u64::try_from(value).unwrap_or(0);
    let columns: Vec<String> = row.get("columns");
    let types: Vec<String> = row.get("types");
    Live {
        schema: row.get("schema"),
        name: row.get("name"),
        bytes: unsigned(row.get("bytes")),
        rows: row.get::<Option<i64>, _>("rows").map(unsigned),
        has_rows: row.get("has_rows"),
        is_index: row.get("is_index"),
        columns: columns.into_iter().zip(types).collect(),
        not_null: row.get("not_null"),
        fingerprint: row.get("fingerprint"),
    }
}
