//! Upkeep: VACUUM and ANALYZE table by table, REINDEX of B-trees that hold much air.
//!
//! Nothing here can run in a transaction, and each step is whole by itself: a broken-off run is gone
//! on with by the next. A label table of a graph is never reindexed concurrently: that corrupts it
//! silently.

use serde::Serialize;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};

use crate::catalog::name::Name;
use crate::failure::Result;
use crate::pg::error::{failure, sqlstate};
use crate::pg::{concurrent, session};
use crate::progress::{Progress, Report, Unit};

/// Whether a relation is a label's table, where AGE is there.
const LABEL: &str =
    "EXISTS (SELECT FROM ag_catalog.ag_label g WHERE g.relation::pg_catalog.oid = r.of)";

const QUERY: &str = include_str!("maintain.sql");

/// How long a REINDEX may wait for its lock.
const LOCK_TIMEOUT: &str = "SET lock_timeout = '5s'";

/// A table or an index.
#[derive(Debug, Clone, Serialize)]
pub struct Relation {
    /// Its qualified name.
    pub name: String,
    /// The table it is, or is an index of.
    pub table: String,
    /// Whether it is an index.
    pub index: bool,
    /// Without indexes and TOAST.
    pub size_bytes: i64,
    /// With indexes and TOAST; an index's own size.
    pub total_bytes: i64,
    /// Live rows, as the statistics have it.
    pub rows: i64,
    /// Dead rows.
    pub dead: i64,
    /// The estimated part that is air, 0 to 1; nothing where it cannot be known.
    pub air: Option<f64>,
    /// The access method.
    pub method: Option<String>,
    /// For indexes: whether it is valid.
    pub valid: Option<bool>,
    /// Belongs to a graph's label.
    pub label: bool,
    /// Implements an exclusion constraint, which REINDEX CONCURRENTLY refuses.
    pub exclusion: bool,
}

/// Which indexes are rebuilt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reindex {
    /// None.
    Never,
    /// B-trees of which more than this part is air, and which are not small.
    Air(f64),
    /// Every B-tree.
    All,
}

/// A B-tree below this size is not worth a rebuild for its air. Units: bytes.
pub const AIR_BYTES_MIN: i64 = 8 << 20;

impl Reindex {
    /// Whether `relation` is to be rebuilt. Vector indexes are not: `edu db index rebuild` is theirs.
    pub fn wants(self, relation: &Relation) -> bool {
        let whole = relation.index && relation.valid != Some(false);
        let tree = whole && relation.method.as_deref() == Some("btree");
        tree && match self {
            Self::Never => false,
            Self::Air(part) => {
                relation.size_bytes >= AIR_BYTES_MIN && relation.air.is_some_and(|air| air > part)
            }
            Self::All => true,
        }
    }
}

/// Reads what is there, the largest tables first, each before its indexes.
///
/// # Errors
/// By SQLSTATE.
pub async fn relations(connection: &mut PgConnection) -> Result<Vec<Relation>> {
    let sql = |label: &str| QUERY.replace("{label}", label);
    let asked = sqlx::query(AssertSqlSafe(sql(LABEL)))
        .fetch_all(&mut *connection)
        .await;
    let rows = match asked {
        // No AGE, or one that may not be read: then no label is one's own.
        Err(error) if matches!(sqlstate(&error), "42P01" | "42501" | "3F000") => {
            sqlx::query(AssertSqlSafe(sql("false")))
                .fetch_all(&mut *connection)
                .await
        }
        asked => asked,
    }
    .map_err(|error| failure("read the sizes of tables and indexes", &error))?;
    rows.iter()
        .map(|row| {
            let schema: String = row.get("schema");
            Ok(Relation {
                name: Name::new(schema.clone(), row.get::<String, _>("name"))?.to_string(),
                table: Name::new(schema, row.get::<String, _>("table"))?.to_string(),
                index: row.get("index"),
                size_bytes: row.get("size_bytes"),
                total_bytes: row.get("total_bytes"),
                rows: row.get("rows"),
                dead: row.get("dead"),
                air: row.get("air"),
                method: row.get("method"),
                valid: row.get("valid"),
                label: row.get("label"),
                exclusion: row.get::<Option<bool>, _>("exclusion").unwrap_or(false),
            })
        })
        .collect()
}

/// The statements that keep `relations`, in order.
pub fn steps(relations: &[Relation], reindex: Reindex) -> Vec<(String, i64)> {
    let tables = relations.iter().filter(|one| !one.index);
    let vacuum = tables.map(|one| (format!("VACUUM (ANALYZE) {}", one.name), one.total_bytes));
    let indexes = relations.iter().filter(|one| reindex.wants(one));
    let rebuild = indexes.map(|one| {
        let how = if one.label || one.exclusion {
            ""
        } else {
            "CONCURRENTLY "
        };
        (format!("REINDEX INDEX {how}{}", one.name), one.size_bytes)
    });
    vacuum.chain(rebuild).collect()
}

/// Runs the steps. Shape: what could not be done, as sentences; the other steps were done.
///
/// # Errors
/// When the connection is lost.
pub async fn run(
    connection: &mut PgConnection,
    steps: &[(String, i64)],
    report: Report<'_>,
) -> Result<Vec<String>> {
    session::run(connection, LOCK_TIMEOUT, "set the lock timeout").await?;
    drop_rests(connection, report).await?;
    let total: i64 = steps.iter().map(|(_, bytes)| bytes).sum();
    report(Progress::counted(
        "maintaining",
        total.unsigned_abs().max(1),
        Unit::Bytes,
    ));
    let (mut done, mut undone) = (0, Vec::new());
    for (sql, bytes) in steps {
        report(Progress::Detail(sql.clone()));
        match sqlx::raw_sql(AssertSqlSafe(sql.clone()))
            .execute(&mut *connection)
            .await
        {
            Ok(_) => {}
            Err(error) if sqlstate(&error).is_empty() => {
                return Err(failure("go on with the maintenance", &error)
                    .detail(format!("It was at: {sql}"))
                    .hint("Run it again: it does what is left."));
            }
            Err(error) => {
                undone.push(format!(
                    "{sql}: {}",
                    failure("run it", &error).detail.join(" ")
                ));
            }
        }
        done += bytes;
        report(Progress::At(done.unsigned_abs()));
    }
    report(Progress::Done);
    drop_rests(connection, report).await?;
    Ok(undone)
}

/// What a REINDEX CONCURRENTLY that failed or was broken off leaves: invalid, under the index's name
/// with `_ccnew` or `_ccold`, and a cost to every write. Not those of a REINDEX that runs in another session.
async fn drop_rests(connection: &mut PgConnection, report: Report<'_>) -> Result<()> {
    let quoted = "SELECT pg_catalog.format('%I.%I', tn.nspname, t.relname), pg_catalog.quote_ident(c.relname),
                pg_catalog.format('%I.%I', n.nspname, c.relname)
         FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         JOIN pg_catalog.pg_class t ON t.oid = i.indrelid JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
         JOIN pg_catalog.pg_am m ON m.oid = c.relam
         WHERE NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$' AND m.amname = 'btree' AND c.relpersistence <> 't'
         ORDER BY 3";
    let rests: Vec<(String, String, String)> = sqlx::query_as(quoted)
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| failure("look for the rests of rebuilds", &error))?;
    let places: Vec<(String, String)> = rests
        .iter()
        .map(|(table, name, _)| (table.clone(), name.clone()))
        .collect();
    let passing = concurrent::passing(connection, &places).await?;
    for (place, (_, _, name)) in rests.iter().enumerate() {
        if passing.contains(&place) {
            continue;
        }
        let sql = format!("DROP INDEX CONCURRENTLY IF EXISTS {name}");
        session::run(connection, &sql, "remove the rest of a rebuild").await?;
        report(Progress::Note(format!(
            "dropped {name}, the rest of a rebuild"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(name: &str, air: f64, label: bool) -> Relation {
        Relation {
            name: name.to_owned(),
            table: "public.t".to_owned(),
            index: true,
            size_bytes: AIR_BYTES_MIN,
            total_bytes: AIR_BYTES_MIN,
            rows: 0,
            dead: 0,
            air: Some(air),
            method: Some("btree".to_owned()),
            valid: Some(true),
            label,
            exclusion: false,
        }
    }

    #[test]
    fn a_label_is_never_reindexed_concurrently() {
        let found = [index("g.l_i", 0.9, true), index("public.i", 0.9, false)];
        let sql: Vec<String> = steps(&found, Reindex::Air(0.4))
            .into_iter()
            .map(|(sql, _)| sql)
            .collect();
        assert_eq!(
            sql,
            ["REINDEX INDEX g.l_i", "REINDEX INDEX CONCURRENTLY public.i"]
        );
    }

    #[test]
    fn small_dense_and_vector_indexes_are_left_alone() {
        let dense = index("public.a", 0.1, false);
        let small = Relation {
            size_bytes: 8192,
            ..index("public.b", 0.9, false)
        };
        let vector = Relation {
            method: Some("hnsw".to_owned()),
            ..index("public.c", 0.9, false)
        };
        for one in [&dense, &small, &vector] {
            assert!(!Reindex::Air(0.4).wants(one), "{}", one.name);
        }
        assert!(Reindex::All.wants(&small) && !Reindex::All.wants(&vector));
    }
}
