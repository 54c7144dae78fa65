//! What goes on in a database now: sessions, who blocks whom, slow queries, indexes, sizes.

use serde::{Deserialize, Serialize};
use sqlx::postgres::PgConnection;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, Row};

use crate::catalog::name::quote_ident;
use crate::failure::Result;
use crate::pg::error::failure;
use crate::pg::session;

/// One look at a database.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Look {
    /// The server and the database.
    pub server: ServerLook,
    /// Connections against the limit.
    pub connections: Connections,
    /// Sessions that work or hold a transaction open, the longest first.
    pub active: Vec<Session>,
    /// Sessions that wait for others.
    pub blocked: Vec<Session>,
    /// Indexes, least used first.
    pub indexes: Vec<Index>,
    /// Vector indexes, most used first.
    pub vectors: Vec<Index>,
    /// Tables, largest first.
    pub tables: Vec<Table>,
    /// Statements by mean time, slowest first; else why they are not known.
    #[serde(default)]
    pub slow: Slow,
}

/// The server and the database as a whole.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the names are those of pg_stat_database, with units"
)]
pub struct ServerLook {
    pub version: String,
    pub database: String,
    pub up_s: f64,
    pub size_bytes: i64,
    pub commits: i64,
    pub rollbacks: i64,
    pub deadlocks: i64,
    pub temp_bytes: i64,
    pub cache_hit: Option<f64>,
    pub oldest_transaction_age: i64,
}

/// Connections of the whole server, and of this database.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Connections {
    pub used: i64,
    pub limit: i64,
    pub reserved: i64,
    pub here: i64,
    pub active: i64,
    pub idle_in_transaction: i64,
}

/// From this part of the connections on, whoever looks is warned.
const CROWDED: f64 = 0.8;

impl Connections {
    /// What is to be said about how many are left, if anything.
    pub fn warning(&self) -> Option<String> {
        let open = (self.limit - self.reserved).max(1);
        #[expect(clippy::cast_precision_loss, reason = "some thousands at most")]
        let share = self.used as f64 / open as f64;
        (share >= CROWDED).then(|| {
            format!(
                "{:.0} % of the connections that logins may have are taken: at 100 % new ones are refused",
                share * 100.0
            )
        })
    }
}

/// A session. Source: `pg_stat_activity`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the names are those of pg_stat_activity, with units"
)]
pub struct Session {
    pub pid: i32,
    pub user: Option<String>,
    pub application: Option<String>,
    pub state: Option<String>,
    pub wait_event_type: Option<String>,
    pub wait_event: Option<String>,
    pub query_s: Option<f64>,
    pub transaction_s: Option<f64>,
    pub blocked_by: Vec<i32>,
    pub query: Option<String>,
}

/// An index. Source: `pg_stat_user_indexes`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Index {
    pub schema: String,
    pub table: String,
    pub name: String,
    #[serde(default)]
    pub method: Option<String>,
    pub scans: i64,
    pub size_bytes: i64,
    #[serde(default)]
    pub unique: bool,
    pub valid: bool,
}

/// A table. Source: `pg_stat_user_tables`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Table {
    pub schema: String,
    pub name: String,
    pub size_bytes: i64,
    pub rows: i64,
    pub dead: i64,
    pub seq_scans: i64,
    pub index_scans: Option<i64>,
    pub vacuumed: Option<String>,
    pub analyzed: Option<String>,
}

/// Slow statements, or why there are none.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Slow {
    /// Statements, slowest first.
    pub statements: Vec<Statement>,
    /// Why the list is empty, and what to do.
    pub absent: Option<String>,
}

/// A statement. Source: `pg_stat_statements`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are those of pg_stat_statements")]
pub struct Statement {
    pub calls: i64,
    pub mean_ms: f64,
    pub max_ms: f64,
    pub total_ms: f64,
    pub rows: i64,
    pub query: String,
}

/// A look waits for nobody.
const LOCK_TIMEOUT: &str = "SET lock_timeout = '500ms'";

const LOOK: &str = include_str!("top.sql");

/// Looks once. `rows` is how many entries a section has at most.
///
/// # Errors
/// By SQLSTATE.
pub async fn look(connection: &mut PgConnection, rows: u16) -> Result<Look> {
    // Somebody may lock a table between the look at the locks and the measuring.
    session::run(connection, LOCK_TIMEOUT, "set the lock timeout").await?;
    let Json(mut look): Json<Look> = sqlx::query_scalar(LOOK)
        .bind(i64::from(rows))
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| failure("look at the database", &error))?;
    look.slow = slow(connection, rows).await?;
    Ok(look)
}

async fn slow(connection: &mut PgConnection, rows: u16) -> Result<Slow> {
    let doing = "look at the slow statements";
    let row = sqlx::query(
        "SELECT pg_catalog.current_setting('shared_preload_libraries') ~ '\\mpg_stat_statements\\M' AS preloaded,
                (SELECT n.nspname::text FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
                 WHERE e.extname = 'pg_stat_statements') AS schema",
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(|error| failure(doing, &error))?;
    let absent = |text: &str| Slow {
        statements: Vec::new(),
        absent: Some(text.to_owned()),
    };
    if !row.get::<bool, _>("preloaded") {
        return Ok(absent(
            "pg_stat_statements is not in shared_preload_libraries: add it and restart the server",
        ));
    }
    let Some(schema) = row.get::<Option<String>, _>("schema") else {
        return Ok(absent(
            "pg_stat_statements is preloaded, and the database lacks it: CREATE EXTENSION pg_stat_statements",
        ));
    };
    let sql = format!(
        "SELECT s.calls, s.mean_exec_time AS mean_ms, s.max_exec_time AS max_ms, s.total_exec_time AS total_ms, s.rows,
                pg_catalog.left(pg_catalog.regexp_replace(pg_catalog.regexp_replace(s.query, '\\s+', ' ', 'g'),
                    '(password\\s+)''[^'']*(''|$)', '\\1''***''', 'gi'), 300) AS query
         FROM {}.pg_stat_statements s JOIN pg_catalog.pg_database d ON d.oid = s.dbid
         WHERE d.datname = pg_catalog.current_database() ORDER BY s.mean_exec_time DESC, s.queryid LIMIT $1",
        quote_ident(&schema)
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(i64::from(rows))
        .fetch_all(connection)
        .await
        .map_err(|error| failure(doing, &error))?;
    let statements = rows
        .iter()
        .map(|row| Statement {
            calls: row.get("calls"),
            mean_ms: row.get("mean_ms"),
            max_ms: row.get("max_ms"),
            total_ms: row.get("total_ms"),
            rows: row.get("rows"),
            query: row.get::<Option<String>, _>("query").unwrap_or_default(),
        })
        .collect();
    Ok(Slow {
        statements,
        absent: None,
    })
}

#[cfg(test)]
mod tests {
    use super::Connections;

    #[test]
    fn from_eighty_per_cent_on_it_warns_of_running_out_of_connections() {
        let of = |used| Connections {
            used,
            limit: 103,
            reserved: 3,
            here: 1,
            active: 1,
            idle_in_transaction: 0,
        };
        assert_eq!(of(79).warning(), None);
        assert!(
            of(80)
                .warning()
                .is_some_and(|text| text.starts_with("80 %"))
        );
    }
}
