//! Whether a restored database works: its pages and B-trees by amcheck, its graphs by a Cypher query
//! each, its vector indexes by a search each.

use serde::Serialize;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};

use crate::catalog::name::{quote_ident, quote_literal};
use crate::failure::Result;
use crate::pg::error::failure;
use crate::pg::session;
use crate::progress::{Progress, Report, Unit};

/// What was tried, and what came of it.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// Tables and B-trees that amcheck looked through.
    pub checked: usize,
    /// Graphs that answered.
    pub graphs: Vec<String>,
    /// Vector indexes that answered.
    pub searches: Vec<String>,
    /// What failed, as sentences.
    pub failures: Vec<String>,
}

/// Tables first, then B-trees: what amcheck takes.
const CHECKS: &str = "
WITH e AS (SELECT n.nspname FROM pg_catalog.pg_extension x JOIN pg_catalog.pg_namespace n ON n.oid = x.extnamespace WHERE x.extname = 'amcheck')
SELECT x.sql, x.what FROM (
    SELECT 1 AS first, c.oid, pg_catalog.format('SELECT pg_catalog.string_agg(v.msg, ''; '') FROM %I.verify_heapam(%s::pg_catalog.regclass) v', e.nspname, c.oid) AS sql,
           'table ' || c.oid::pg_catalog.regclass::text AS what
    FROM e, pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm') AND c.relpersistence = 'p' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
  UNION ALL
    SELECT 2, c.oid, pg_catalog.format('SELECT %I.bt_index_check(%s::pg_catalog.regclass, true)::text', e.nspname, c.oid),
           'index ' || c.oid::pg_catalog.regclass::text
    FROM e, pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_am a ON a.oid = c.relam JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
    WHERE c.relkind = 'i' AND a.amname = 'btree' AND i.indisvalid AND c.relpersistence = 'p'
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
) x ORDER BY x.first, x.oid";

/// Vector indexes with what a search through each looks like: the indexed expression, the operator
/// that orders by it, the predicate.
const VECTORS: &str = "
SELECT c.oid::pg_catalog.regclass::text AS name, t.oid::pg_catalog.regclass::text AS table,
       pg_catalog.pg_get_indexdef(c.oid, 1, false) AS expression, o.oprname::text AS operator, n.nspname::text AS schema,
       pg_catalog.pg_get_expr(i.indpred, i.indrelid) AS predicate
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
JOIN pg_catalog.pg_am a ON a.oid = c.relam JOIN pg_catalog.pg_opclass k ON k.oid = i.indclass[0]
JOIN pg_catalog.pg_amop p ON p.amopfamily = k.opcfamily AND p.amopmethod = a.oid AND p.amoppurpose = 'o' AND p.amopstrategy = 1
JOIN pg_catalog.pg_operator o ON o.oid = p.amopopr JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
WHERE a.amname IN ('hnsw', 'ivfflat') AND c.relkind = 'i' AND i.indisvalid ORDER BY 1";

/// Tries everything. The database is one's own: amcheck is installed into it.
///
/// # Errors
/// When the catalog cannot be read, or amcheck is not on the server.
pub async fn prove(connection: &mut PgConnection, report: Report<'_>) -> Result<Proof> {
    let mut proof = Proof::default();
    amcheck(connection, &mut proof, report).await?;
    graphs(connection, &mut proof).await?;
    searches(connection, &mut proof).await?;
    Ok(proof)
}

async fn amcheck(
    connection: &mut PgConnection,
    proof: &mut Proof,
    report: Report<'_>,
) -> Result<()> {
    let create = "CREATE SCHEMA IF NOT EXISTS edu_proof; CREATE EXTENSION IF NOT EXISTS amcheck WITH SCHEMA edu_proof";
    session::run(connection, create, "create the extension amcheck").await?;
    let checks = sqlx::query(CHECKS)
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| failure("list what amcheck is to check", &error))?;
    let total = checks.len() as u64;
    report(Progress::counted(
        "checking tables and indexes",
        total,
        Unit::Items,
    ));
    for row in &checks {
        let what: String = row.get("what");
        let sql: String = row.get("sql");
        match sqlx::query_scalar::<_, Option<String>>(AssertSqlSafe(sql))
            .fetch_one(&mut *connection)
            .await
        {
            Ok(said) => match said.filter(|said| !said.is_empty()) {
                Some(said) => proof.failures.push(format!("{what}: {said}")),
                None => proof.checked += 1,
            },
            Err(error) => proof.failures.push(format!("{what}: {error}")),
        }
        report(Progress::At(proof.checked as u64));
    }
    report(Progress::Done);
    Ok(())
}

async fn graphs(connection: &mut PgConnection, proof: &mut Proof) -> Result<()> {
    let there: bool =
        sqlx::query_scalar("SELECT pg_catalog.to_regclass('ag_catalog.ag_graph') IS NOT NULL")
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| failure("look for graphs", &error))?;
    if !there {
        return Ok(());
    }
    let path = "SET search_path = \"$user\", public, ag_catalog";
    session::run(connection, path, "set the path").await?;
    let names: Vec<String> =
        sqlx::query_scalar("SELECT name::text FROM ag_catalog.ag_graph ORDER BY 1")
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| failure("list the graphs", &error))?;
    for name in names {
        // The library comes with the first call where it is not preloaded.
        let sql = format!(
            "LOAD 'age'; SELECT * FROM ag_catalog.cypher({}, $$ MATCH (n) RETURN count(n) $$) AS (n ag_catalog.agtype)",
            quote_literal(&name)?
        );
        match sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut *connection)
            .await
        {
            Ok(_) => proof.graphs.push(name),
            Err(error) => proof.failures.push(format!("graph {name}: {error}")),
        }
    }
    session::run(connection, "RESET search_path", "reset the path").await
}

async fn searches(connection: &mut PgConnection, proof: &mut Proof) -> Result<()> {
    let rows = sqlx::query(VECTORS)
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| failure("list the vector indexes", &error))?;
    for row in rows {
        let text = |column: &str| row.get::<String, _>(column);
        let expression = text("expression");
        let table = text("table");
        let wanted = match row.get::<Option<String>, _>("predicate") {
            Some(predicate) => format!("({expression}) IS NOT NULL AND ({predicate})"),
            None => format!("({expression}) IS NOT NULL"),
        };
        let search = format!(
            "SELECT pg_catalog.count(*) FROM (SELECT FROM {table} WHERE {wanted} \
             ORDER BY ({expression}) OPERATOR({}.{}) (SELECT {expression} FROM {table} WHERE {wanted} LIMIT 1) LIMIT 1) x",
            quote_ident(&text("schema")),
            text("operator"),
        );
        let any = format!(
            "SELECT pg_catalog.count(*) FROM (SELECT FROM {table} WHERE {wanted} LIMIT 1) x"
        );
        let name = text("name");
        match through_index(connection, &search, &any).await {
            Ok((found, there)) if found == there => proof.searches.push(name),
            Ok(_) => proof.failures.push(format!(
                "index {name}: a search found nothing, and the table has vectors"
            )),
            Err(error) => proof.failures.push(format!("index {name}: {error}")),
        }
    }
    Ok(())
}

async fn through_index(
    connection: &mut PgConnection,
    search: &str,
    any: &str,
) -> std::result::Result<(i64, i64), sqlx::Error> {
    let there = sqlx::query_scalar(AssertSqlSafe(any.to_owned()))
        .fetch_one(&mut *connection)
        .await?;
    sqlx::raw_sql("SET enable_seqscan = off; SET enable_sort = off")
        .execute(&mut *connection)
        .await?;
    let found = sqlx::query_scalar(AssertSqlSafe(search.to_owned()))
        .fetch_one(&mut *connection)
        .await;
    sqlx::raw_sql("RESET enable_seqscan; RESET enable_sort")
        .execute(&mut *connection)
        .await?;
    Ok((found?, there))
}
