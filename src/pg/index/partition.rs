//! Partitioned tables: an index on each partition, built beside its readers and writers, then attached.
//!
//! CREATE INDEX CONCURRENTLY does not work on the partitioned table itself, and a plain one would
//! lock every partition for as long as it takes.

use sqlx::Row;
use sqlx::postgres::PgConnection;

use super::build::{self, Run};
use super::ddl::{self, Manner};
use super::{State, existing, swap};
use crate::catalog::name::{Name, quote_ident};
use crate::failure::Result;
use crate::pg::error::failure;
use crate::pg::session;
use crate::spec::vectors::VectorIndex;
use crate::vector::leftover::{new_name, old_name, with_ending};

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

/// Builds the index anew on every partition and exchanges the whole, so that the old one serves until
/// the new one is valid. Dropping the old whole locks the table for a moment.
///
/// # Errors
/// Those of [`bring`], and exit 6 when there was no moment for the exchange; the next run goes on.
pub async fn rebuild(run: &Run<'_>, index: &VectorIndex) -> Result<State> {
    let begun = std::time::Instant::now();
    let mut connection = build::connect(run.site, &index.name).await?;
    let (new, old) = (new_name(&index.name), old_name(&index.name));
    let fresh = VectorIndex {
        name: new.clone(),
        ..index.clone()
    };
    match bring(run, &fresh).await? {
        state if state.is_good() => {}
        other => return Ok(other),
    }
    swap::exchange(&mut connection, run.site, index, run.report).await?;
    let doing = format!("drop index {old}");
    let drop = format!("BEGIN; SET LOCAL lock_timeout = '700ms'; DROP INDEX {old}; COMMIT");
    swap::attempts(&mut connection, run.site, &drop, &doing, run.report).await?;
    name_parts(&mut connection, &index.table, &new, &index.name).await?;
    Ok(State::built_since(begun))
}

/// Gives the parts of a whole the names that go with its own, so that the next rebuild finds its names
/// free.
async fn name_parts(
    connection: &mut PgConnection,
    table: &Name,
    from: &Name,
    to: &Name,
) -> Result<()> {
    for partition in partitions(connection, table, to).await? {
        let (from, to) = (part_name(from, &partition)?, part_name(to, &partition)?);
        let sql = format!(
            "ALTER INDEX IF EXISTS {from} RENAME TO {}",
            quote_ident(&to.name)
        );
        session::run(connection, &sql, &format!("name index {to}")).await?;
        if partition.partitioned {
            Box::pin(name_parts(connection, &partition.table, &from, &to)).await?;
        }
    }
    Ok(())
}

/// The name of `index` on one partition.
fn part_name(index: &Name, partition: &Partition) -> Result<Name> {
    let ending = format!("_p{}", partition.oid);
    Name::new(
        partition.table.schema.clone(),
        with_ending(index, &ending).name,
    )
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
            let sql = format!("BEGIN; SET LOCAL lock_timeout = '700ms'; {sql}; COMMIT");
            let doing = format!("create index {}", index.name);
            swap::attempts(&mut connection, run.site, &sql, &doing, run.report).await?;
        }
    }
    for partition in partitions(&mut connection, &index.table, &index.name).await? {
        if partition.attached {
            continue;
        }
        let name = part_name(&index.name, &partition)?;
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
        let sql = format!(
            "BEGIN; SET LOCAL lock_timeout = '700ms';
             ALTER INDEX {} ATTACH PARTITION {name}; COMMIT",
            index.name
        );
        let doing = format!("attach index {name}");
        swap::attempts(&mut connection, run.site, &sql, &doing, run.report).await?;
    }
    let valid = existing::around(&mut connection, index).await?;
    if existing::named(&valid, &index.name).is_some_and(|there| there.valid) {
        return Ok(State::built_since(begun));
    }
    Ok(State::Invalid)
}

async fn partitions(
    connection: &mut PgConnection,
    table: &Name,
    index: &Name,
) -> Result<Vec<Partition>> {
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
    .bind(table.to_string())
    .bind(index.to_string())
    .fetch_all(connection)
    .await
    .map_err(|error| failure(&format!("read the partitions of {table}"), &error))?;
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
