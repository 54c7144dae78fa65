//! What is known before a build: the server's machine and limits, the table's rows, who stands in the way.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};

use super::Site;
use crate::failure::{Exit, Failure, Result};
use crate::pg::error::failure;
use crate::spec::vectors::{Target, VectorIndex};
use crate::vector::announce::Outlook;
use crate::vector::machine::{Machine, Texts};
use crate::vector::memory::{Element, Shape, dims_in};
use crate::vector::settings::{Limits, settle};

/// Up to this size a table's rows are counted; of a larger one the planner's guess is taken. Units:
/// bytes of the main fork, which a long vector is not part of.
const COUNT_BYTES_MAX: i64 = 256 << 20;

/// What a vector has when nobody says it.
const DIMS_DEFAULT: u32 = 768;

/// What the server says about itself that decides a build's settings.
#[derive(Debug, Clone, Default)]
pub struct Host {
    machine: Machine,
    shm_in_use: bool,
    workers_max: u32,
    memory_default_bytes: u64,
    data_directory: Option<String>,
}

/// Reads the server's machine: on the server itself where this login may, else from what the caller
/// knows about this machine if the server runs on it.
///
/// # Errors
/// When the settings cannot be read.
pub async fn host(connection: &mut PgConnection, site: &Site<'_>) -> Result<Host> {
    let row = sqlx::query(
        "SELECT pg_catalog.current_setting('dynamic_shared_memory_type') = 'posix' AS shm,
                least(pg_catalog.current_setting('max_parallel_workers')::int4,
                      pg_catalog.current_setting('max_worker_processes')::int4) AS workers,
                pg_catalog.pg_size_bytes(pg_catalog.current_setting('maintenance_work_mem')) AS memory,
                pg_catalog.current_setting('data_directory', true) AS data,
                pg_catalog.pg_has_role('pg_read_server_files', 'USAGE')
                    AND pg_catalog.has_function_privilege('pg_catalog.pg_read_file(text, bool)', 'EXECUTE')
                    AS may_read",
    )
    .fetch_one(&mut *connection)
    .await;
    // Without pg_read_all_settings the data directory is an error, not a null.
    let row = match row {
        Ok(row) => row,
        Err(_) => sqlx::query(
            "SELECT pg_catalog.current_setting('dynamic_shared_memory_type') = 'posix' AS shm,
                    least(pg_catalog.current_setting('max_parallel_workers')::int4,
                          pg_catalog.current_setting('max_worker_processes')::int4) AS workers,
                    pg_catalog.pg_size_bytes(pg_catalog.current_setting('maintenance_work_mem')) AS memory,
                    NULL::text AS data, false AS may_read",
        )
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| failure("read the server's settings", &error))?,
    };
    let there = if row.get("may_read") {
        machine(connection).await
    } else {
        None
    };
    let here = site.local.map(|local| local.machine);
    Ok(Host {
        machine: merge(there, here),
        shm_in_use: row.get("shm"),
        workers_max: row.get::<i32, _>("workers").unsigned_abs(),
        memory_default_bytes: row.get::<i64, _>("memory").unsigned_abs(),
        data_directory: row.get("data"),
    })
}

/// What the server read about itself counts; where both speak, the smaller.
fn merge(there: Option<Machine>, here: Option<Machine>) -> Machine {
    let (Some(there), Some(here)) = (there, here) else {
        return there.or(here).unwrap_or_default();
    };
    let least = |a: Option<u64>, b: Option<u64>| match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    Machine {
        memory_bytes: least(there.memory_bytes, here.memory_bytes),
        shm_bytes: least(there.shm_bytes, here.shm_bytes),
        cores: there.cores.or(here.cores),
    }
}

async fn machine(connection: &mut PgConnection) -> Option<Machine> {
    let mut texts = Texts::default();
    for (path, text) in [
        ("/proc/meminfo", &mut texts.meminfo),
        ("/proc/cpuinfo", &mut texts.cpuinfo),
        ("/proc/self/mountinfo", &mut texts.mountinfo),
        ("/sys/fs/cgroup/memory.max", &mut texts.memory_max),
        ("/sys/fs/cgroup/memory.current", &mut texts.memory_current),
        ("/sys/fs/cgroup/cpu.max", &mut texts.cpu_max),
    ] {
        let read: sqlx::Result<Option<String>> =
            sqlx::query_scalar("SELECT pg_catalog.pg_read_file($1, true)")
                .bind(path)
                .fetch_one(&mut *connection)
                .await;
        *text = read.ok().flatten().unwrap_or_default();
    }
    let machine = Machine::read(&texts);
    (machine != Machine::default()).then_some(machine)
}

/// What is known before `index` is built while `builds` of them go on at once.
///
/// # Errors
/// When the table is not there or cannot be read.
pub async fn outlook(
    connection: &mut PgConnection,
    site: &Site<'_>,
    host: &Host,
    index: &VectorIndex,
    builds: u32,
) -> Result<Outlook> {
    let table = table(connection, index).await?;
    let (rows, rows_exact) = rows(connection, index, &table).await?;
    let element = Element::of_opclass(&index.opclass);
    let shape = Shape {
        element,
        dims: dims(site, index, table.dims),
        method: index.method,
    };
    let limits = Limits {
        machine: host.machine,
        shm_in_use: host.shm_in_use,
        workers_max: host.workers_max,
        table_workers: table.workers,
        memory_default_bytes: host.memory_default_bytes,
        memory_asked_bytes: site.options.memory_bytes,
        builds,
    };
    let settings = settle(&shape, rows, &limits);
    let disk = site.local.map(|local| local.disk_free);
    Ok(Outlook {
        index: index.name.to_string(),
        rows,
        rows_exact,
        in_use: table.bytes > 0,
        shape,
        settings,
        disk_bytes: disk
            .zip(host.data_directory.as_deref())
            .and_then(|(free, folder)| free(std::path::Path::new(folder))),
        blockers: blockers(connection, index).await?,
    })
}

struct Table {
    bytes: i64,
    tuples: f32,
    workers: Option<u32>,
    dims: Option<u32>,
}

async fn table(connection: &mut PgConnection, index: &VectorIndex) -> Result<Table> {
    let column = match &index.target {
        Target::Column(column) => column.as_str(),
        Target::Expression(_) => "",
    };
    let row = sqlx::query(
        "SELECT (SELECT sum(pg_catalog.pg_relation_size(p.relid))::int8
                 FROM pg_catalog.pg_partition_tree(c.oid) p WHERE p.isleaf) AS tree,
                pg_catalog.pg_relation_size(c.oid) AS bytes,
                CASE WHEN c.relkind = 'p' THEN (SELECT sum(greatest(l.reltuples, 0))::float4
                     FROM pg_catalog.pg_partition_tree(c.oid) p
                     JOIN pg_catalog.pg_class l ON l.oid = p.relid AND p.isleaf)
                     ELSE c.reltuples END AS tuples,
                (SELECT o.option_value::int4 FROM pg_catalog.pg_options_to_table(c.reloptions) o
                 WHERE o.option_name = 'parallel_workers') AS workers,
                (SELECT a.atttypmod FROM pg_catalog.pg_attribute a
                 WHERE a.attrelid = c.oid AND a.attname = $2 AND NOT a.attisdropped) AS dims
         FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass($1)",
    )
    .bind(index.table.to_string())
    .bind(column)
    .fetch_optional(connection)
    .await
    .map_err(|error| failure(&format!("look at table {}", index.table), &error))?;
    let Some(row) = row else {
        return Err(Failure::new(
            Exit::Sql,
            format!(
                "table {} of index {} does not exist",
                index.table, index.name
            ),
        )
        .hint("Create it with a migration (edu db migrate), or mend spec/vectors.toml."));
    };
    let bytes: i64 = row.get("bytes");
    Ok(Table {
        bytes: row.get::<Option<i64>, _>("tree").unwrap_or(0).max(bytes),
        tuples: row.get::<Option<f32>, _>("tuples").unwrap_or(-1.0),
        workers: row.get::<Option<i32>, _>("workers").map(i32::unsigned_abs),
        dims: row
            .get::<Option<i32>, _>("dims")
            .and_then(|dims| u32::try_from(dims).ok()),
    })
}

/// How many rows will be indexed, and whether they were counted. A policy that would hide rows from
/// this role makes the count fail rather than lie.
async fn rows(
    connection: &mut PgConnection,
    index: &VectorIndex,
    table: &Table,
) -> Result<(u64, bool)> {
    if table.bytes == 0 {
        return Ok((0, true));
    }
    if table.bytes <= COUNT_BYTES_MAX {
        let predicate = index.predicate.as_deref().unwrap_or("true");
        let sql = format!("SELECT count(*) FROM {} WHERE {predicate}", index.table);
        let counted: sqlx::Result<i64> = async {
            sqlx::query("SET row_security = off")
                .execute(&mut *connection)
                .await?;
            sqlx::query_scalar(AssertSqlSafe(sql))
                .fetch_one(&mut *connection)
                .await
        }
        .await;
        sqlx::query("RESET row_security")
            .execute(&mut *connection)
            .await
            .map_err(|error| failure("reset the session", &error))?;
        if let Ok(rows) = counted {
            return Ok((rows.unsigned_abs(), true));
        }
    }
    let guess = if table.tuples >= 0.0 {
        table.tuples as u64
    } else {
        // Never analysed: a row with a long vector elsewhere takes about 200 bytes here.
        table.bytes.unsigned_abs() / 200
    };
    Ok((guess, false))
}

/// The dimensions: those written in an expression's cast, the column's, or the project's.
fn dims(site: &Site<'_>, index: &VectorIndex, column: Option<u32>) -> u32 {
    let cast = match &index.target {
        Target::Expression(expression) => dims_in(expression),
        Target::Column(_) => None,
    };
    cast.or(column).or(site.dims).unwrap_or(DIMS_DEFAULT)
}

/// The sessions that a build on the table would wait for.
async fn blockers(connection: &mut PgConnection, index: &VectorIndex) -> Result<Vec<String>> {
    let rows = sqlx::query(
        "SELECT DISTINCT a.pid, a.application_name, a.usename::text AS usename, a.state,
                extract(epoch FROM pg_catalog.clock_timestamp() - a.xact_start)::float8 AS age,
                a.query
         FROM pg_catalog.pg_stat_activity a
         WHERE a.pid <> pg_catalog.pg_backend_pid() AND a.datname = pg_catalog.current_database()
           AND a.xact_start < pg_catalog.clock_timestamp() - interval '5 seconds'
           AND (a.backend_xmin IS NOT NULL OR EXISTS (
               SELECT FROM pg_catalog.pg_locks l WHERE l.pid = a.pid AND l.granted
                 AND l.relation = pg_catalog.to_regclass($1)
                 AND l.mode NOT IN ('AccessShareLock', 'RowShareLock')))
         ORDER BY age DESC LIMIT 5",
    )
    .bind(index.table.to_string())
    .fetch_all(connection)
    .await
    .map_err(|error| failure("see who stands in the way", &error))?;
    Ok(rows.iter().map(super::watch::session_words).collect())
}
