//! Which batches of a file are in, written with each batch in its own transaction.
//!
//! A load that is killed goes on behind what was committed, and cannot bring a batch in twice. A file is
//! known by its path and by what its lines were: where they changed, nothing is guessed.

use sqlx::Row;
use sqlx::postgres::PgConnection;

use crate::catalog::name::{Name, quote_ident, quote_literal};
use crate::failure::{Failure, Result};
use crate::graph::transfer::Batch;
use crate::pg::error::{failure, server_error};
use crate::pg::{PRIVATE, session};

/// A batch that is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// Its first line.
    pub first: u64,
    /// How many lines it took.
    pub lines: u64,
    /// SHA-256 of them, in hexadecimal digits.
    pub digest: String,
    /// How many vertices and edges it brought.
    pub items: u64,
}

/// The journal of one file's load into one graph.
#[derive(Debug, Clone)]
pub struct Journal {
    graph: String,
    source: String,
    owner: Option<String>,
}

const TABLE: &str = "edu.graph_load";

impl Journal {
    /// Opens the journal of `source`, and makes it where there is none. `None` where this login may not, or the
    /// database has no schema of edu's own: `edu db migrate` makes it.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn open(
        connection: &mut PgConnection,
        owner: Option<&str>,
        graph: &str,
        source: &str,
    ) -> Result<Option<Self>> {
        let journal = Self {
            graph: graph.to_owned(),
            source: source.to_owned(),
            owner: owner.map(str::to_owned),
        };
        let sql = format!(
            "BEGIN; {}; SET LOCAL search_path = ''; {}; DELETE FROM {TABLE} WHERE false; {PRIVATE}; COMMIT",
            journal.role(),
            include_str!("journal.sql"),
        );
        match sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
            .execute(&mut *connection)
            .await
        {
            Ok(_) => Ok(Some(journal)),
            Err(error) if server_error(&error).is_some() => {
                session::run(connection, "ROLLBACK", "leave the journal out").await?;
                Ok(None)
            }
            Err(error) => Err(failure("open the journal of loads", &error)),
        }
    }

    fn role(&self) -> String {
        match &self.owner {
            Some(owner) => format!("SET LOCAL ROLE {}", quote_ident(owner)),
            None => "RESET ROLE".to_owned(),
        }
    }

    fn condition(&self) -> Result<String> {
        Ok(format!(
            "graph = {} AND source = {}",
            quote_literal(&self.graph)?,
            quote_literal(&self.source)?
        ))
    }

    /// The batches that are in. Shape: by line; empty where no load was broken off.
    ///
    /// # Errors
    /// Exit 8 when the graph holds less than they brought: somebody took it out again.
    pub async fn done(&self, connection: &mut PgConnection) -> Result<Vec<Done>> {
        let doing = "read the journal of loads";
        let rows = sqlx::query(
            "SELECT first_line, lines, items, digest FROM edu.graph_load
             WHERE graph = $1 AND source = $2 ORDER BY first_line",
        )
        .bind(&self.graph)
        .bind(&self.source)
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| failure(doing, &error))?;
        let count =
            |row: &sqlx::postgres::PgRow, name: &str| row.get::<i64, _>(name).unsigned_abs();
        let done: Vec<Done> = rows
            .iter()
            .map(|row| Done {
                first: count(row, "first_line"),
                lines: count(row, "lines"),
                digest: row.get("digest"),
                items: count(row, "items"),
            })
            .collect();
        let brought: u64 = done.iter().map(|one| one.items).sum();
        if brought > 0 {
            let there = self.there(connection, brought).await?;
            if there < brought {
                return Err(Failure::refused(format!(
                    "a load of this file was broken off after {brought} vertices and edges, and the graph holds {there}"
                ))
                .detail("What it had brought in was taken out again, at least in part.")
                .hint("Load the file from its first line: --restart"));
            }
        }
        Ok(done)
    }

    /// How many vertices and edges there are; counted up to `enough`.
    async fn there(&self, connection: &mut PgConnection, enough: u64) -> Result<u64> {
        let table = |label: &str| Name::new(&self.graph, label).map(|name| name.to_string());
        let sql = format!(
            "SELECT count(*) FROM (SELECT FROM {} UNION ALL SELECT FROM {} LIMIT {enough}) t",
            table("_ag_label_vertex")?,
            table("_ag_label_edge")?
        );
        sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(sql))
            .fetch_one(connection)
            .await
            .map(i64::unsigned_abs)
            .map_err(|error| failure("count what an earlier load brought", &error))
    }

    /// Writes that a batch is in, in its own transaction.
    ///
    /// # Errors
    /// By SQLSTATE; 23505 when another run brought it in.
    pub(super) async fn record(&self, connection: &mut PgConnection, batch: &Batch) -> Result<()> {
        let sql = format!(
            "{}; INSERT INTO {TABLE} (graph, source, first_line, lines, items, digest) VALUES ({}, {}, {}, {}, {}, {})",
            self.role(),
            quote_literal(&self.graph)?,
            quote_literal(&self.source)?,
            batch.first,
            batch.lines,
            batch.items(),
            quote_literal(&batch.digest)?,
        );
        session::run(connection, &sql, "write the journal of loads").await
    }

    /// Forgets the file: it is in, or is to be loaded anew.
    ///
    /// # Errors
    /// By SQLSTATE.
    pub async fn forget(&self, connection: &mut PgConnection) -> Result<()> {
        let sql = format!(
            "BEGIN; {}; DELETE FROM {TABLE} WHERE {}; COMMIT",
            self.role(),
            self.condition()?
        );
        session::run(connection, &sql, "clear the journal of loads").await
    }
}
