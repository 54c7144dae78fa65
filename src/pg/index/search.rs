//! Searches as an application does them, exact and through the index, and what they find.

use std::time::Instant;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};

use super::ddl;
use crate::catalog::name::quote_ident;
use crate::failure::{Exit, Failure, Result};
use crate::pg::error::failure;
use crate::pg::session;
use crate::spec::vectors::{Method, VectorIndex};
use crate::vector::memory::Element;
use crate::vector::recall::{NEIGHBOURS, Neighbour, Trial};

/// What a search on one index is made of.
#[derive(Debug, Clone)]
pub struct Search {
    /// The table, ready for SQL.
    table: String,
    /// The indexed column or expression, in parentheses.
    target: String,
    /// The operator that the operator class orders by, ready for SQL.
    operator: String,
    /// The type a text is cast to, ready for SQL.
    kind: String,
    /// The schema that pgvector is in, ready for SQL.
    schema: String,
    /// The index's predicate, or "true".
    predicate: String,
    element: Element,
    method: Method,
}

/// Which way a search goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// No ordered index scan: every visible row is compared.
    Exact,
    /// The planner chooses.
    Free,
    /// The vector index, whatever the planner thinks.
    Index,
}

/// Prepares searches on `index`.
///
/// # Errors
/// When the operator class is not there.
pub async fn prepare(connection: &mut PgConnection, index: &VectorIndex) -> Result<Search> {
    let row = sqlx::query(
        "SELECT n.nspname::text AS schema, o.oprname::text AS operator, t.typname::text AS kind,
                tn.nspname::text AS kind_schema, cn.nspname::text AS home
         FROM pg_catalog.pg_opclass c
         JOIN pg_catalog.pg_namespace cn ON cn.oid = c.opcnamespace
         JOIN pg_catalog.pg_am a ON a.oid = c.opcmethod
         JOIN pg_catalog.pg_amop p ON p.amopfamily = c.opcfamily AND p.amoppurpose = 'o'
         JOIN pg_catalog.pg_operator o ON o.oid = p.amopopr
         JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
         JOIN pg_catalog.pg_type t ON t.oid = c.opcintype
         JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
         WHERE c.opcname = $1 AND a.amname = $2",
    )
    .bind(&index.opclass)
    .bind(index.method.as_str())
    .fetch_optional(connection)
    .await
    .map_err(|error| failure("read the operator class", &error))?
    .ok_or_else(|| {
        Failure::new(
            Exit::Sql,
            format!("operator class \"{}\" does not exist", index.opclass),
        )
        .hint("Create the extension vector: edu db bootstrap")
    })?;
    let text = |name: &str| quote_ident(row.get::<&str, _>(name));
    let kind = match row.get::<&str, _>("kind") {
        // An unknown length: the cast keeps all bits.
        "bit" => "pg_catalog.varbit".to_owned(),
        _ => format!("{}.{}", text("kind_schema"), text("kind")),
    };
    Ok(Search {
        table: index.table.to_string(),
        target: format!("({})", ddl::target(index)),
        operator: format!(
            "OPERATOR({}.{})",
            text("schema"),
            row.get::<&str, _>("operator")
        ),
        kind,
        schema: text("home"),
        predicate: index.predicate.clone().unwrap_or_else(|| "true".to_owned()),
        element: Element::of_opclass(&index.opclass),
        method: index.method,
    })
}

/// A vector to search for, and the row it was taken from.
#[derive(Debug, Clone)]
pub struct Sample {
    pub row: String,
    pub vector: String,
}

impl Search {
    /// Begins a read-only transaction in which rows keep their places, and sets what the declaration
    /// says searches run with.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn begin(&self, connection: &mut PgConnection) -> Result<()> {
        let setting = match self.method {
            Method::Hnsw { ef_search, .. } => format!("SET LOCAL hnsw.ef_search = {ef_search}"),
            Method::Ivfflat { probes, .. } => format!("SET LOCAL ivfflat.probes = {probes}"),
        };
        let sql = format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL jit = off; {setting};
             SELECT pg_catalog.setseed(0.5)"
        );
        session::run(connection, &sql, "begin to measure").await
    }

    /// Takes up to `count` vectors at random from the rows this session sees.
    ///
    /// # Errors
    /// When this role may not read the table.
    pub async fn samples(&self, connection: &mut PgConnection, count: u32) -> Result<Vec<Sample>> {
        let Self {
            table,
            target,
            predicate,
            ..
        } = self;
        let sql = format!(
            "SELECT tableoid::text || ctid::text AS place, {target}::text AS vector FROM {table}
             WHERE (tableoid, ctid) IN (SELECT tableoid, ctid FROM {table}
                 WHERE {target} IS NOT NULL AND {predicate}
                 ORDER BY pg_catalog.random() LIMIT {count}) ORDER BY 1"
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .persistent(false)
            .fetch_all(connection)
            .await
            .map_err(|error| failure(&format!("take samples from {table}"), &error))?;
        let rows = rows.iter().map(|row| Sample {
            row: row.get("place"),
            vector: row.get("vector"),
        });
        Ok(rows.collect())
    }

    /// Chooses the way of the searches that follow in this transaction.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn go(&self, connection: &mut PgConnection, way: Way) -> Result<()> {
        let (index, table) = match way {
            Way::Exact => ("off", "on"),
            Way::Free => ("on", "on"),
            Way::Index => ("on", "off"),
        };
        let sql = format!(
            "SET LOCAL enable_indexscan = {index}; SET LOCAL enable_seqscan = {table};
             SET LOCAL enable_bitmapscan = {table}"
        );
        session::run(connection, &sql, "choose the way of a search").await
    }

    fn query(&self) -> String {
        let Self {
            table,
            target,
            operator,
            kind,
            predicate,
            ..
        } = self;
        format!(
            "SELECT tableoid::text || ctid::text AS place,
                    ({target} {operator} $1::text::{kind})::float8 AS distance
             FROM {table} WHERE {predicate}
             ORDER BY {target} {operator} $1::text::{kind} LIMIT {}",
            NEIGHBOURS + 1
        )
    }

    /// Searches for one vector. Shape: nearest first, at most one more than [`NEIGHBOURS`], and the
    /// milliseconds it took.
    ///
    /// # Errors
    /// By SQLSTATE.
    pub async fn find(
        &self,
        connection: &mut PgConnection,
        vector: &str,
    ) -> Result<(Vec<Neighbour>, f64)> {
        let begun = Instant::now();
        // A cached plan would not follow the settings that choose the way.
        let rows = sqlx::query(AssertSqlSafe(self.query()))
            .bind(vector)
            .persistent(false)
            .fetch_all(connection)
            .await
            .map_err(|error| failure(&format!("search in {}", self.table), &error))?;
        let took_ms = begun.elapsed().as_secs_f64() * 1_000.0;
        let found = rows.iter().filter_map(|row| {
            Some(Neighbour {
                row: row.get("place"),
                distance: row.get::<Option<f64>, _>("distance")?,
            })
        });
        Ok((found.collect(), took_ms))
    }

    /// Searches for every sample exactly and in `way`.
    ///
    /// # Errors
    /// By SQLSTATE.
    pub async fn trials(
        &self,
        connection: &mut PgConnection,
        samples: &[Sample],
        way: Way,
    ) -> Result<Vec<Trial>> {
        self.go(connection, way).await?;
        let mut trials = Vec::new();
        for sample in samples {
            let (found, took_ms) = self.find(connection, &sample.vector).await?;
            trials.push(Trial {
                own_row: sample.row.clone(),
                exact: Vec::new(),
                found,
                took_ms,
            });
        }
        self.go(connection, Way::Exact).await?;
        for (trial, sample) in trials.iter_mut().zip(samples) {
            trial.exact = self.find(connection, &sample.vector).await?.0;
        }
        Ok(trials)
    }

    /// The same search with half the precision, without an index.
    pub fn halved(&self, dims: u32) -> Self {
        let kind = format!("{}.halfvec", self.schema);
        Self {
            target: format!("{}::{kind}({dims})", self.target),
            kind,
            element: Element::Halfvec,
            ..self.clone()
        }
    }

    /// `found` with the distances of the same rows in `exact`; a row that is not there is far.
    pub fn true_distances(&self, exact: &[Neighbour], found: Vec<Neighbour>) -> Vec<Neighbour> {
        let known = |row: &str| exact.iter().find(|one| one.row == row);
        found
            .into_iter()
            .map(|one| Neighbour {
                distance: known(&one.row).map_or(f64::INFINITY, |exact| exact.distance),
                row: one.row,
            })
            .collect()
    }

    /// Rows whose vector is NULL, and rows whose vector has no direction: neither is found by a search
    /// for cosine distance.
    ///
    /// # Errors
    /// When this role may not read the table.
    pub async fn unfindable(&self, connection: &mut PgConnection) -> Result<(u64, u64)> {
        let target = &self.target;
        let zero = match self.element {
            Element::Vector => format!("{}.vector_norm({target}) = 0", self.schema),
            Element::Halfvec | Element::Sparsevec => {
                format!("{}.l2_norm({target}) = 0", self.schema)
            }
            Element::Bit => "false".to_owned(),
        };
        let sql = format!(
            "SELECT count(*) FILTER (WHERE {target} IS NULL) AS missing,
                    count(*) FILTER (WHERE {zero}) AS zero FROM {} WHERE {}",
            self.table, self.predicate
        );
        let row = sqlx::query(AssertSqlSafe(sql))
            .fetch_one(connection)
            .await
            .map_err(|error| failure(&format!("look at the vectors of {}", self.table), &error))?;
        let count = |name: &str| row.get::<i64, _>(name).unsigned_abs();
        Ok((count("missing"), count("zero")))
    }
}
