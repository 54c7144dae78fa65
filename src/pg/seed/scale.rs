//! Generated rows into a database: by binary COPY, over several connections at once.
//!
//! A chunk is a transaction. One whose first row is there already is passed over, so that a run that ended goes on
//! where it stopped, and a second run writes nothing. What refers to other tables comes when those are complete.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::ops::Range;

use futures_util::future::try_join_all;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection};

use crate::catalog::name::{quote_ident, quote_literal};
use crate::failure::{Failure, Result};
use crate::pg::error::failure;
use crate::pg::{Server, session};
use crate::progress::{Progress, Report, Unit};
use crate::seed::scale::catalog::Table;
use crate::seed::scale::{END, Filled, HEADING, Plan, Writer};
use crate::spec::manifest::Manifest;
use crate::spec::vectors::VectorIndex;

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

/// Chunks that nobody has taken yet.
type Queue = RefCell<VecDeque<(usize, Range<u64>)>>;

/// Writes all rows of a plan that are not there yet.
///
/// # Errors
/// Exit 8 where row security binds everybody who could write; else by SQLSTATE. Chunks that were committed stay,
/// and another run goes on behind them.
pub async fn load(
    server: &Server,
    plan: &Plan,
    options: Options<'_>,
    report: Report<'_>,
) -> Result<Vec<Loaded>> {
    let mut connections = Vec::new();
    for _ in 0..options.jobs.max(1) {
        connections.push(open(server, plan, options.manifest).await?);
    }
    let mut loaded: Vec<Loaded> = plan
        .tables
        .iter()
        .map(|filled| Loaded {
            table: filled.table.name.to_string(),
            written: 0,
            present: 0,
        })
        .collect();
    report(Progress::counted("loading", plan.rows(), Unit::Items));
    let told = RefCell::new(&mut loaded);
    for wave in plan.waves() {
        let queue: Queue = RefCell::default();
        for table in wave {
            let chunks = plan.tables[table].chunks().map(|rows| (table, rows));
            queue.borrow_mut().extend(chunks);
        }
        let work = connections
            .iter_mut()
            .map(|connection| work(connection, plan, &queue, &told, report));
        try_join_all(work).await?;
    }
    report(Progress::stage("gathering statistics"));
    if let Some(connection) = connections.first_mut() {
        settle(connection, plan).await?;
    }
    report(Progress::Done);
    for connection in connections {
        let _ = connection.close().await;
    }
    Ok(loaded)
}

async fn open(server: &Server, plan: &Plan, manifest: &Manifest) -> Result<PgConnection> {
    let (mut connection, identity) = session::open_for_writing(server, "edu db seed").await?;
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

/// Takes chunk after chunk until there is none.
async fn work(
    connection: &mut PgConnection,
    plan: &Plan,
    queue: &Queue,
    loaded: &RefCell<&mut Vec<Loaded>>,
    report: Report<'_>,
) -> Result<()> {
    let mut writer = Writer::new();
    loop {
        let Some((table, rows)) = queue.borrow_mut().pop_front() else {
            return Ok(());
        };
        let filled = &plan.tables[table];
        let count = rows.end - rows.start;
        let there = is_there(connection, plan, table, rows.start).await?;
        if !there {
            chunk(connection, plan, table, rows, &mut writer).await?;
        }
        let mut loaded = loaded.borrow_mut();
        match there {
            true => loaded[table].present += count,
            false => loaded[table].written += count,
        }
        let own = &loaded[table];
        report(Progress::Part {
            what: own.table.clone(),
            at: own.written + own.present,
            total: filled.rows(),
        });
        let all = loaded.iter().map(|one| one.written + one.present).sum();
        report(Progress::At(all));
    }
}

/// Whether the row is there: by a key that no other row can have.
async fn is_there(
    connection: &mut PgConnection,
    plan: &Plan,
    table: usize,
    row: u64,
) -> Result<bool> {
    let Some(key) = plan.identity(table, row) else {
        return Ok(false);
    };
    let name = &plan.tables[table].table.name;
    let same: Vec<String> = key
        .iter()
        .map(|(column, value)| {
            Ok(format!(
                "{} = {}",
                quote_ident(column),
                quote_literal(value)?
            ))
        })
        .collect::<Result<_>>()?;
    let sql = format!(
        "SELECT EXISTS (SELECT FROM {name} WHERE {})",
        same.join(" AND ")
    );
    sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_one(connection)
        .await
        .map_err(|error| failure(&format!("look for rows of {name}"), &error))
}

async fn chunk(
    connection: &mut PgConnection,
    plan: &Plan,
    table: usize,
    mut rows: Range<u64>,
    writer: &mut Writer,
) -> Result<()> {
    let filled: &Filled = &plan.tables[table];
    let name = &filled.table.name;
    let columns: Vec<String> = filled
        .written
        .iter()
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
    while rows.start < rows.end {
        let part = writer.part(plan, table, &mut rows)?;
        copy.send(part).await.map_err(wrong)?;
    }
    copy.send(END.as_slice()).await.map_err(wrong)?;
    copy.finish().await.map(drop).map_err(wrong)
}

/// Lets sequences go on behind what was written, and the planner know of it.
async fn settle(connection: &mut PgConnection, plan: &Plan) -> Result<()> {
    for filled in &plan.tables {
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
    Ok(())
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
