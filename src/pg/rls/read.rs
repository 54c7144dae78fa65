//! Reads a database's posture: a dozen set-based queries in one read-only snapshot.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use sqlx::postgres::PgConnection;
use sqlx::types::Json;

use crate::failure::Result;
use crate::pg::error::failure;
use crate::pg::{concurrent, session};
use crate::posture::{Oid, Posture};

/// What to ask about.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// The roles concerned.
    pub subjects: Vec<String>,
    /// Words to look up among the keywords: the parts of the settings' names.
    pub words: Vec<String>,
    /// Signatures of declared functions.
    pub signatures: Vec<String>,
}

/// Reads the posture in a read-only transaction of its own.
///
/// # Errors
/// By SQLSTATE. Nothing was changed.
pub async fn posture(connection: &mut PgConnection, question: &Question) -> Result<Posture> {
    for _ in 0..concurrent::READS_MAX {
        session::run(connection, BEGIN, "begin reading the catalog").await?;
        let posture = inside(connection, question).await;
        // The connection is of no further use if this fails.
        let ended = session::run(connection, "ROLLBACK", "end reading the catalog").await;
        match posture {
            Ok(Some(posture)) => return ended.map(|()| posture),
            Ok(None) => ended?,
            Err(error) if concurrent::is_gone(&error) => ended?,
            Err(error) => return Err(failure("read the catalog", &error)),
        }
    }
    Err(concurrent::restless("the database"))
}

/// With pg_catalog alone as search_path every name comes with its schema.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
SET LOCAL search_path = pg_catalog; SET LOCAL work_mem = '64MB'";

/// Whether everything of the snapshot is still there: privileges, definitions and names are looked up among what is
/// there now.
const SETTLED: &str = "\
SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
                   AND c.relpersistence <> 't' AND pg_catalog.pg_table_is_visible(c.oid) IS NULL)
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_proc p WHERE p.oid >= 16384
                   AND p.pronamespace::regnamespace::text !~ '^pg_' AND pg_catalog.pg_function_is_visible(p.oid) IS NULL)
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname !~ '^pg_'
                   AND pg_catalog.to_regnamespace(pg_catalog.quote_ident(n.nspname)) IS NULL)";

/// Reads in the transaction that is open. Nothing where something was dropped meanwhile.
async fn inside(
    connection: &mut PgConnection,
    question: &Question,
) -> sqlx::Result<Option<Posture>> {
    let roles = &[&question.subjects][..];
    let (server_version, database, graphs): (i32, String, bool) = sqlx::query_as(
        "SELECT current_setting('server_version_num')::int4, current_database()::text,
                to_regclass('ag_catalog.ag_label') IS NOT NULL",
    )
    .fetch_one(&mut *connection)
    .await?;
    let trees: Vec<Tree> = rows(connection, include_str!("tree.sql"), &[]).await?;
    let mut posture = Posture {
        server_version: server_version.unsigned_abs(),
        database,
        subjects: question.subjects.clone(),
        relations: rows(connection, include_str!("relation.sql"), roles).await?,
        policies: rows(connection, include_str!("policy.sql"), roles).await?,
        trees: trees
            .into_iter()
            .map(|tree| (tree.md5, tree.tree))
            .collect(),
        functions: rows(connection, include_str!("function.sql"), roles).await?,
        foreign_keys: rows(connection, include_str!("constraint.sql"), &[]).await?,
        indexes: rows(connection, include_str!("index.sql"), &[]).await?,
        triggers: rows(connection, include_str!("trigger.sql"), &[]).await?,
        reads: rows(connection, include_str!("reads.sql"), &[]).await?,
        roles: rows(connection, include_str!("role.sql"), roles).await?,
        schemas: rows(connection, include_str!("schema.sql"), roles).await?,
        facts: rows(
            connection,
            include_str!("various.sql"),
            &[&question.words, &question.subjects],
        )
        .await?,
        labels: match graphs {
            true => rows(connection, include_str!("label.sql"), &[]).await?,
            false => Vec::new(),
        },
        declared_functions: declared(connection, &question.signatures).await?,
    };
    let settled: bool = sqlx::query_scalar(SETTLED).fetch_one(connection).await?;
    if !settled || posture.triggers.iter().any(|one| one.definition.is_empty()) {
        return Ok(None);
    }
    // Without a graph AGE is there because the server preloads it, and decides about no row.
    if posture.labels.is_empty() {
        posture.leave_out_extension("age", "ag_catalog");
    }
    Ok(Some(posture))
}

#[derive(serde::Deserialize)]
struct Tree {
    md5: String,
    tree: String,
}

async fn rows<T: DeserializeOwned + Send + Unpin + 'static>(
    connection: &mut PgConnection,
    sql: &'static str,
    words: &[&Vec<String>],
) -> sqlx::Result<Vec<T>> {
    let mut query = sqlx::query_scalar::<_, Json<T>>(sql);
    for words in words {
        query = query.bind(*words);
    }
    let values = query.fetch_all(connection).await?;
    Ok(values.into_iter().map(|Json(value)| value).collect())
}

/// The ids of the declared signatures that exist.
async fn declared(
    connection: &mut PgConnection,
    signatures: &[String],
) -> sqlx::Result<BTreeMap<String, Oid>> {
    let found: Vec<(String, i64)> = sqlx::query_as(
        "SELECT s, to_regprocedure(s)::oid::int8 FROM unnest($1::text[]) s WHERE to_regprocedure(s) IS NOT NULL",
    )
    .bind(signatures)
    .fetch_all(connection)
    .await?;
    Ok(found
        .into_iter()
        .filter_map(|(signature, oid)| Some((signature, Oid::try_from(oid).ok()?)))
        .collect())
}
