//! Partitioned tables: an index on each partition, built beside its readers and writers, then attached.
//!
//! CREATE INDEX CONCURRENTLY does not work on the partitioned table itself, and a plain one would
//! lock every partition for as long as it takes.

use sqlx::Row;
use sqlx::postgres::PgConnection;

use super::build::{self, Run};
use super::ddl::{self, Manner};
use super::{State, existing};
use crate::catalog::name::Name;
use crate::failure::Result;
use crate::pg::error::failure;
use crate::pg::session;
use crate::spec::vectors::VectorIndex;
use crate::vector::leftover::with_ending;

/// One direct partition of a table.
struct Partition {
    table: Name,
    oid: u32,
    partitioned: bool,
    attached: bool,
}

/// Whether the table is partitioned.
///
/// # Errors
/// When the catalog cannot be read.
pub async fn is_partitioned(connection: &mut PgConnection, table: &Name) -> Result<bool> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c
                        WHERE c.oid = pg_catalog.to_regclass($1) AND c.relkind = 'p')",
    )
    .bind(table.to_string())
    .fetch_one(connection)
    .await
    .map_err(|error| failure(&format!("look at table {table}"), &error))
}

/// Brings the index about on a partitioned table: partitions first, the whole becomes valid with the
/// last one. What an earlier run finished is kept.
///
/// # Errors
/// That of the first partition that failed; the others stay, and the next run goes on there.
pub async fn bring(run: &Run<'_>, index: &VectorIndex) -> Result<State> {
    let begun = std::time::Instant::now();
    let mut connection = build::connect(run.site, &index.name).await?;
    let wanted = existing::wanted(&mut connection, index, run.site.dims).await?;
    let all = existing::around(&mut connection, index).await?;
    match existing::named(&all, &index.name) {
        Some(there) if there.valid => {
            return build::compare(&mut connection, index, &wanted, there).await;
        }
        Some(_) => {}
        None => {
            let sql = ddl::create(index, &index.name, &index.table, None, Manner::ParentOnly);
            let doing = format!("create index {}", index.name);
            session::run(&mut connection, &sql, &doing).await?;
        }
    }
    for partition in partitions(&mut connection, index).await? {
        if partition.attached {
            continue;
        }
        let ending = format!("_p{}", partition.oid);
        let name = Name::new(
            partition.table.schema.clone(),
            with_ending(&index.name, &ending).name,
        )?;
        let part = VectorIndex {
            name: name.clone(),
            table: partition.table,
            ..index.clone()
        };
        let state = if partition.partitioned {
            Box::pin(bring(run, &part)).await?
        } else {
            build::bring(run, &part).await?
        };
        if let State::Different(differences) = state {
            return Ok(State::Different(
                differences
                    .iter()
                    .map(|text| format!("{name}: {text}"))
                    .collect(),
            ));
        }
        let sql = format!("ALTER INDEX {} ATTACH PARTITION {name}", index.name);
        let doing = format!("attach index {name}");
        session::run(&mut connection, &sql, &doing).await?;
    }
    let valid = existing::around(&mut connection, index).await?;
    if existing::named(&valid, &index.name).is_some_and(|there| there.valid) {
        return Ok(State::built_since(begun));
    }
    Ok(State::Invalid)
}

async fn partitions(connection: &mut PgConnection, index: &VectorIndex) -> Result<Vec<Partition>> {
    let rows = sqlx::query(
        "SELECT n.nspname::text AS schema, c.relname::text AS name, c.oid::int8 AS oid,
                c.relkind = 'p' AS partitioned,
                EXISTS (SELECT FROM pg_catalog.pg_inherits x
                        JOIN pg_catalog.pg_index i ON i.indexrelid = x.inhrelid
                        WHERE x.inhparent = pg_catalog.to_regclass($2) AND i.indrelid = c.oid) AS attached
         FROM pg_catalog.pg_inherits h
         JOIN pg_catalog.pg_class c ON c.oid = h.inhrelid
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE h.inhparent = pg_catalog.to_regclass($1) ORDER BY c.relname",
    )
    .bind(index.table.to_string())
    .bind(index.name.to_string())
    .fetch_all(connection)
    .await
    .map_err(|error| failure(&format!("read the partitions of {}", index.table), &error))?;
    rows.iter()
        .map(|row| {
            Ok(Partition {
                table: Name::new(row.get::<String, _>("schema"), row.get::<String, _>("name"))?,
                oid: u32::try_from(row.get::<i64, _>("oid")).unwrap_or(0),
                partitioned: row.get("partitioned"),
                attached: row.get("attached"),
            })
        })
        .collect()
}
