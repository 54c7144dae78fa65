//! The indexes that are there: on a declared table, or under a declared name.

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Row};

use crate::catalog::name::{Name, quote_ident, quote_literal};
use crate::failure::Result;
use crate::pg::concurrent;
use crate::pg::error::failure;
use crate::pg::session;
use crate::spec::vectors::{Target, VectorIndex};
use crate::vector::definition::{Built, Found, Wanted};
use crate::vector::leftover::is_reindex_leftover;

/// One index of the catalog.
#[derive(Debug, Clone)]
pub struct Existing {
    /// Its name.
    pub name: Name,
    /// Queries may use it.
    pub valid: bool,
    /// Every write pays for it.
    pub ready: bool,
    /// It spans the partitions of a partitioned table.
    pub partitioned: bool,
    /// Units: bytes.
    pub size_bytes: u64,
    /// Scans since the statistics were reset. Source: `pg_stat_all_indexes.idx_scan`.
    pub scans: u64,
    /// Its comment.
    pub comment: Option<String>,
    /// What it is.
    pub found: Found,
}

/// The comment that tells how many rows an ivfflat index was built over.
pub(super) const ROWS_COMMENT: &str = "edu: built over rows: ";

impl Existing {
    /// How many rows there were when edu built the index, where its comment says so.
    pub(super) fn built_over(&self) -> Option<u64> {
        let comment = self.comment.as_deref()?;
        comment.strip_prefix(ROWS_COMMENT)?.parse().ok()
    }
}

/// An index that was dropped since the snapshot has no key or no size.
const QUERY: &str = "
SELECT n.nspname::text AS schema, c.relname::text AS name, c.relkind = 'I' AS partitioned,
       i.indisvalid AND i.indislive AS valid, i.indisready AS ready,
       tn.nspname::text AS table_schema, t.relname::text AS table_name,
       am.amname::text AS method, oc.opcname::text AS opclass,
       COALESCE(c.reloptions, '{}')::text[] AS options,
       pg_catalog.pg_get_indexdef(i.indexrelid, 1, true) AS key,
       pg_catalog.pg_get_expr(i.indpred, i.indrelid, true) AS predicate,
       a.atttypmod AS dims,
       pg_catalog.pg_relation_size(c.oid)
           + COALESCE((SELECT sum(pg_catalog.pg_relation_size(p.relid))::int8
                       FROM pg_catalog.pg_partition_tree(c.oid) p WHERE p.relid <> c.oid), 0) AS size,
       COALESCE(s.idx_scan, 0) AS scans, pg_catalog.obj_description(c.oid, 'pg_class') AS comment
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_am am ON am.oid = c.relam
JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
JOIN pg_catalog.pg_opclass oc ON oc.oid = i.indclass[0]
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = 1
LEFT JOIN pg_catalog.pg_stat_all_indexes s ON s.indexrelid = c.oid
WHERE i.indrelid = pg_catalog.to_regclass($1) OR c.oid = pg_catalog.to_regclass($2)
ORDER BY schema, name";

/// All indexes on the declared table, and whatever index bears the declared name. Not those that a REINDEX
/// CONCURRENTLY of another session keeps while it runs.
///
/// # Errors
/// When the catalog cannot be read.
pub async fn around(connection: &mut PgConnection, index: &VectorIndex) -> Result<Vec<Existing>> {
    let rows = settled(connection, index).await?;
    let mut all = rows.iter().map(existing).collect::<Result<Vec<_>>>()?;
    let is_suspect = |one: &Existing| !one.valid && is_reindex_leftover(&one.name.name);
    let suspects: Vec<(Name, Name)> = all
        .iter()
        .filter(|one| is_suspect(one))
        .map(|one| (one.found.table.clone(), one.name.clone()))
        .collect();
    let named: Vec<(String, String)> = suspects
        .iter()
        .map(|(table, name)| (table.to_string(), quote_ident(&name.name)))
        .collect();
    for place in concurrent::passing(connection, &named).await? {
        all.retain(|one| {
            suspects
                .get(place)
                .is_none_or(|(_, name)| *name != one.name)
        });
    }
    Ok(all)
}

/// The rows of a snapshot in which nothing was dropped while it was read: what took the place of a dropped index
/// has another name there.
async fn settled(connection: &mut PgConnection, index: &VectorIndex) -> Result<Vec<PgRow>> {
    for _ in 0..concurrent::READS_MAX {
        let rows = sqlx::query(QUERY)
            .bind(index.table.to_string())
            .bind(index.name.to_string())
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| failure(&format!("look at the indexes of {}", index.table), &error))?;
        let is_gone = |row: &PgRow| {
            row.get::<Option<&str>, _>("key").is_none()
                || row.get::<Option<i64>, _>("size").is_none()
        };
        if !rows.iter().any(is_gone) {
            return Ok(rows);
        }
    }
    Err(concurrent::restless(&format!(
        "the indexes of {}",
        index.table
    )))
}

/// The index called `name`, if there is one.
pub fn named<'a>(all: &'a [Existing], name: &Name) -> Option<&'a Existing> {
    all.iter().find(|one| one.name == *name)
}

fn existing(row: &PgRow) -> Result<Existing> {
    let name = |schema: &str, name: &str| {
        Name::new(row.get::<String, _>(schema), row.get::<String, _>(name))
    };
    Ok(Existing {
        name: name("schema", "name")?,
        valid: row.get("valid"),
        ready: row.get("ready"),
        partitioned: row.get("partitioned"),
        size_bytes: row.get::<i64, _>("size").unsigned_abs(),
        scans: row.get::<i64, _>("scans").unsigned_abs(),
        comment: row.get("comment"),
        found: Found {
            table: name("table_schema", "table_name")?,
            method: row.get("method"),
            opclass: row.get("opclass"),
            options: row.get("options"),
            key: row.get("key"),
            predicate: row.get("predicate"),
            dims: u32::try_from(row.get::<i32, _>("dims")).ok(),
            built: None,
        },
    })
}

/// The declaration as this server spells it. An expression or a predicate is put through the server:
/// an index on an empty temporary copy of the table, in a transaction that is rolled back.
///
/// # Errors
/// When the server does not accept the declaration.
pub async fn wanted(
    connection: &mut PgConnection,
    index: &VectorIndex,
    dims: Option<u32>,
) -> Result<Wanted> {
    if let (Target::Column(column), None) = (&index.target, &index.predicate) {
        return Ok(Wanted {
            key: quote_ident(column),
            predicate: None,
            dims,
        });
    }
    let doing = format!("read the declaration of index {}", index.name);
    session::run(connection, "BEGIN", &doing).await?;
    let spelled = spell(connection, index, &doing).await;
    session::run(connection, "ROLLBACK", &doing).await?;
    spelled.map(|(key, predicate)| Wanted {
        key,
        predicate,
        dims,
    })
}

async fn spell(
    connection: &mut PgConnection,
    index: &VectorIndex,
    doing: &str,
) -> Result<(String, Option<String>)> {
    let table = Name::new("pg_temp", "edu_declaration")?;
    let create = format!(
        "SET LOCAL client_min_messages = 'warning'; CREATE TEMP TABLE edu_declaration (LIKE {})",
        index.table
    );
    session::run(connection, &create, doing).await?;
    let name = Name::new("pg_temp", "edu_declaration_index")?;
    let sql = super::ddl::create(index, &name, &table, Some(1), super::ddl::Manner::Plain);
    session::run(connection, &sql, doing).await?;
    let row = sqlx::query(
        "SELECT pg_catalog.pg_get_indexdef(i.indexrelid, 1, true) AS key,
                pg_catalog.pg_get_expr(i.indpred, i.indrelid, true) AS predicate
         FROM pg_catalog.pg_index i
         WHERE i.indrelid = 'pg_temp.edu_declaration'::pg_catalog.regclass",
    )
    .fetch_one(connection)
    .await
    .map_err(|error| failure(doing, &error))?;
    Ok((row.get("key"), row.get("predicate")))
}

/// What an index was really built with, from its first page: through pageinspect where it is
/// installed, else from the file. `None` where this login may do neither, or the page was not
/// written out yet.
pub async fn built(connection: &mut PgConnection, name: &Name) -> Result<Option<Built>> {
    let schema: Option<String> = sqlx::query_scalar(
        "SELECT n.nspname::text FROM pg_catalog.pg_extension e
         JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pageinspect'",
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(|error| failure(&format!("look at the first page of {name}"), &error))?;
    let literal = quote_literal(&name.to_string())?;
    let page = match schema {
        Some(schema) => format!("{}.get_raw_page({literal}, 0)", quote_ident(&schema)),
        None => format!(
            "pg_catalog.pg_read_binary_file(pg_catalog.pg_relation_filepath({literal}), 0, 8192, true)"
        ),
    };
    let page: sqlx::Result<Option<Vec<u8>>> =
        sqlx::query_scalar(AssertSqlSafe(format!("SELECT {page}")))
            .fetch_one(connection)
            .await;
    Ok(page.ok().flatten().and_then(|page| Built::read(&page)))
}
