//! Generated rows into a database: by binary COPY, over several connections at once.
//!
//! A chunk is a transaction. One whose first row is there already is passed over, so that a run that ended goes on
//! where it stopped, and a second run writes nothing. What refers to other tables comes when those are complete.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::future::try_join_all;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection};
use tokio::sync::mpsc::Receiver;

use self::maker::{Chunk, Made, Queue};

use crate::catalog::name::{quote_ident, quote_literal};
use crate::failure::{Failure, Result};
use crate::pg::error::failure;
use crate::pg::{Server, session};
use crate::progress::{Progress, Report, Unit};
use crate::seed::scale::catalog::Table;
use crate::seed::scale::{END, HEADING, Plan};
use crate::spec::manifest::Manifest;
use crate::spec::vectors::VectorIndex;

mod check;
mod graph;
mod maker;

pub use check::check;

/// What was loaded into one table.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Loaded {
    /// The table.
    pub table: String,
    /// Rows that were written.
    pub written: u64,
    /// Rows that were there from a run before.
    pub present: u64,
}

/// Reads what the generator has to know of the database's tables.
///
/// # Errors
/// When the server cannot be asked.
pub async fn tables(connection: &mut PgConnection, manifest: &Manifest) -> Result<Vec<Table>> {
    let mut passed: Vec<String> = vec!["edu".to_owned()];
    passed.extend(manifest.graph.as_ref().map(|graph| graph.name.clone()));
    let texts: Vec<String> = sqlx::query_scalar(include_str!("tables.sql"))
        .bind(passed)
        .fetch_all(connection)
        .await
        .map_err(|error| failure("look at the tables", &error))?;
    texts
        .iter()
        .map(|text| {
            serde_json::from_str(text).map_err(|error| {
                Failure::bug("a table's description could not be read").detail(error.to_string())
            })
        })
        .collect()
}

/// How rows are loaded.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// How many connections write at once.
    pub jobs: usize,
    /// Roles.
    pub manifest: &'a Manifest,
}

/// Writes all rows of a plan that are not there yet.
///
/// # Errors
/// Exit 8 where row security binds everybody who could write; else by SQLSTATE. Chunks that were committed stay,
/// and another run goes on behind them.
pub async fn load(
    server: &Server,
    plan: &Arc<Plan>,
    options: Options<'_>,
    report: Report<'_>,
) -> Result<Vec<Loaded>> {
    let opening = (0..options.jobs.max(1)).map(|_| open(server, plan, options.manifest));
    let mut connections = try_join_all(opening).await?;
    if let Some(graph) = &plan.graph {
        graph::refuse(&mut connections[0], graph).await?;
    }
    let told = Told::new(plan, report);
    for wave in plan.waves() {
        let mut missing = VecDeque::new();
        for table in wave {
            missing.extend(absent(&mut connections[0], &told, table).await?);
        }
        let makers = missing.len().min(connections.len());
        let queue = Queue::new(missing);
        let work = connections
            .iter_mut()
            .take(makers)
            .map(|connection| work(connection, &told, queue.make(plan)));
        try_join_all(work).await?;
    }
    graph::load(&mut connections, plan, options.manifest, &told).await?;
    report(Progress::stage("gathering statistics"));
    let left = RefCell::new((0..told.plan.tables.len()).collect());
    let settling = connections
        .iter_mut()
        .map(|connection| settle(connection, plan, &left));
    try_join_all(settling).await?;
    report(Progress::Done);
    for connection in connections {
        let _ = connection.close().await;
    }
    Ok(told.loaded.into_inner())
}

/// What a plan would write.
pub fn promised(plan: &Plan) -> Vec<Loaded> {
    let tables = (plan.tables.iter()).map(|one| (one.table.name.to_string(), one.rows()));
    let labels = plan.graph.iter().flat_map(|graph| {
        let named = |label| graph.ontology.table(label).map(|table| table.to_string());
        (graph.counts()).filter_map(move |(label, count)| Some((named(label).ok()?, count)))
    });
    let all = tables.chain(labels);
    all.map(|(table, written)| Loaded {
        table,
        written,
        present: 0,
    })
    .collect()
}

/// How far the load is, and who hears of it.
struct Told<'a> {
    plan: &'a Plan,
    promised: Vec<Loaded>,
    loaded: RefCell<Vec<Loaded>>,
    report: Report<'a>,
}

impl<'a> Told<'a> {
    fn new(plan: &'a Plan, report: Report<'a>) -> Self {
        let promised = promised(plan);
        let total = promised.iter().map(|one| one.written).sum();
        report(Progress::counted("loading", total, Unit::Items));
        let mut loaded = promised.clone();
        loaded.iter_mut().for_each(|one| one.written = 0);
        Self {
            plan,
            promised,
            loaded: RefCell::new(loaded),
            report,
        }
    }

    fn tell(&self, at: usize, written: u64, present: u64) {
        let mut loaded = self.loaded.borrow_mut();
        let own = &mut loaded[at];
        own.written += written;
        own.present += present;
        (self.report)(Progress::Part {
            what: own.table.clone(),
            at: own.written + own.present,
            total: self.promised[at].written,
        });
        let all = loaded.iter().map(|one| one.written + one.present).sum();
        (self.report)(Progress::At(all));
    }

    fn tell_of(&self, table: &str, written: u64, present: u64) {
        if let Some(at) = self.promised.iter().position(|one| one.table == table) {
            self.tell(at, written, present);
        }
    }
}

async fn open(server: &Server, plan: &Plan, manifest: &Manifest) -> Result<PgConnection> {
    let (mut connection, identity) = session::open_for_writing(server, "edu db seed").await?;
    // No chunk waits for the disk: those that a crash of the server loses are the last ones, and the next run
    // writes them.
    session::run(
        &mut connection,
        "SET synchronous_commit = off",
        "prepare the load",
    )
    .await?;
    if identity.superuser {
        return Ok(connection);
    }
    if let Some(forced) = plan.tables.iter().find(|filled| filled.table.forced) {
        return Err(Failure::refused(format!(
            "row security is forced on {}, and COPY passes no policies",
            forced.table.name
        ))
        .detail("Row security is not switched off for a load.")
        .hint("Connect as a superuser to load generated rows."));
    }
    session::become_role(&mut connection, manifest.roles.owner.as_deref()).await?;
    Ok(connection)
}

/// Sends chunk after chunk, each in a transaction of its own.
async fn work(
    connection: &mut PgConnection,
    told: &Told<'_>,
    mut made: Receiver<Result<Made>>,
) -> Result<()> {
    while let Some(first) = made.recv().await {
        let Made::Chunk(chunk) = first? else {
            return Err(Failure::bug("rows came before their chunk"));
        };
        let filled = &told.plan.tables[chunk.table];
        let name = &filled.table.name;
        let columns = filled.written.iter();
        let columns: Vec<String> = columns
            .map(|at| quote_ident(&filled.table.columns[*at].name))
            .collect();
        let sql = format!(
            "COPY {name} ({}) FROM STDIN (FORMAT binary)",
            columns.join(", ")
        );
        let wrong = |error: sqlx::Error| {
            failure(&format!("load rows into {name}"), &error)
                .detail("What was committed stays; another run goes on behind it.")
        };
        let mut copy = connection.copy_in_raw(&sql).await.map_err(wrong)?;
        copy.send(HEADING).await.map_err(wrong)?;
        while let Some(Made::Rows(part)) = made.recv().await.transpose()? {
            copy.send(part).await.map_err(wrong)?;
        }
        copy.send(END.as_slice()).await.map_err(wrong)?;
        copy.finish().await.map_err(wrong)?;
        told.tell(chunk.table, chunk.rows.end - chunk.rows.start, 0);
    }
    Ok(())
}

/// How many chunks are looked for in one question.
const LOOKED_FOR: usize = 500;

/// The chunks of a table whose first row is not there, by a key that no other row can have. A table without one
/// cannot tell.
async fn absent(
    connection: &mut PgConnection,
    told: &Told<'_>,
    table: usize,
) -> Result<Vec<Chunk>> {
    let filled = &told.plan.tables[table];
    let name = &filled.table.name;
    let chunks: Vec<Chunk> = filled.chunks().map(|rows| Chunk { table, rows }).collect();
    let mut absent = Vec::new();
    for some in chunks.chunks(LOOKED_FOR) {
        let looks: Vec<String> = some
            .iter()
            .map(|chunk| match told.plan.identity(table, chunk.rows.start) {
                None => Ok("false".to_owned()),
                Some(key) => Ok(format!("EXISTS (SELECT FROM {name} WHERE {})", same(&key)?)),
            })
            .collect::<Result<_>>()?;
        let sql = format!("SELECT ARRAY[{}]", looks.join(", "));
        let there: Vec<bool> = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| failure(&format!("look for rows of {name}"), &error))?;
        for (chunk, there) in some.iter().zip(there) {
            match there {
                true => told.tell(table, 0, chunk.rows.end - chunk.rows.start),
                false => absent.push(chunk.clone()),
            }
        }
    }
    Ok(absent)
}

fn same(key: &[(&str, String)]) -> Result<String> {
    let parts: Vec<String> = key
        .iter()
        .map(|(column, value)| {
            Ok(format!(
                "{} = {}",
                quote_ident(column),
                quote_literal(value)?
            ))
        })
        .collect::<Result<_>>()?;
    Ok(parts.join(" AND "))
}

/// Lets sequences go on behind what was written, and the planner know of it.
async fn settle(
    connection: &mut PgConnection,
    plan: &Plan,
    left: &RefCell<VecDeque<usize>>,
) -> Result<()> {
    // From here on a commit waits for the disk again, for those before it, too.
    session::run(connection, "RESET synchronous_commit", "settle the load").await?;
    loop {
        let Some(table) = left.borrow_mut().pop_front() else {
            return Ok(());
        };
        let filled = &plan.tables[table];
        for (sequence, last) in filled.sequences() {
            let sql = format!(
                "SELECT pg_catalog.setval({0}::pg_catalog.regclass, greatest({last}, (SELECT last_value FROM {sequence})))",
                quote_literal(sequence)?
            );
            session::run(connection, &sql, "move a sequence on").await?;
        }
        let sql = format!("ANALYZE {}", filled.table.name);
        session::run(connection, &sql, "gather statistics").await?;
    }
}

/// Drops the vector indexes whose tables have no row, for a load that comes before the build. Shape: those that
/// were dropped or are missing on such a table.
///
/// # Errors
/// By SQLSTATE; what was dropped before is named in no list, and `edu db index` builds it.
pub async fn drop_on_empty(
    connection: &mut PgConnection,
    manifest: &Manifest,
    indexes: &[VectorIndex],
) -> Result<Vec<VectorIndex>> {
    let mut dropped = Vec::new();
    session::become_role(connection, manifest.roles.owner.as_deref()).await?;
    for index in indexes {
        let (table, name) = (&index.table, &index.name);
        // The lock keeps rows from coming in between the look and the drop.
        let begin = format!(
            "BEGIN; SET LOCAL lock_timeout = '2s'; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"
        );
        session::run(connection, &begin, &format!("look at {table}")).await?;
        // Policies may hide rows from the owner. Bytes they do not hide.
        let size: i64 = sqlx::query_scalar(
            "SELECT (pg_catalog.pg_relation_size(t.oid) + coalesce((
               SELECT pg_catalog.sum(pg_catalog.pg_relation_size(p.relid)) FROM pg_catalog.pg_partition_tree(t.oid) p), 0))::int8
             FROM (SELECT $1::pg_catalog.regclass AS oid) t",
        )
        .bind(table.to_string())
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| failure(&format!("look at {table}"), &error))?;
        if size == 0 {
            let drop = format!("DROP INDEX IF EXISTS {name}");
            session::run(connection, &drop, &format!("drop the index {name}")).await?;
            dropped.push(index.clone());
        }
        session::run(connection, "COMMIT", "end the transaction").await?;
    }
    session::reset(connection).await?;
    Ok(dropped)
}
