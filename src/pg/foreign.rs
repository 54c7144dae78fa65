//! Reading other tools' histories. Their tables are only read.
//!
//! Source: the tools' own table definitions: sqlx-postgres 0.9 `migrate.rs`; refinery-core 0.9; Flyway 11
//! (`createMetaDataTable.sql`); dbmate 2; drizzle-orm 0.30 to 0.44 (`migrator`); prisma-engines
//! (`_prisma_migrations`); Sqitch 1 (`pg.sql`); golang-migrate 4 (`postgres`).

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Row};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::error::failure;
use super::migrate::history::TABLE;
use super::session;
use crate::catalog::name::Name;
use crate::failure::{Exit, Failure, Result};
use crate::plan::adopt::{Fate, Foreign};

/// A tool with a history of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// sqlx migrate.
    Sqlx,
    /// refinery, where its table is not the one that edu keeps.
    Refinery,
    /// Flyway.
    Flyway,
    /// dbmate.
    Dbmate,
    /// drizzle-kit migrate.
    Drizzle,
    /// prisma migrate.
    Prisma,
    /// Sqitch.
    Sqitch,
    /// golang-migrate.
    GolangMigrate,
}

/// Where a tool keeps its history, and how it is read.
struct Layout {
    table: &'static str,
    /// Columns without which the table is another tool's.
    columns: &'static [&'static str],
    /// The columns label, version, name, hash, applied_at (RFC 3339) and fate.
    select: &'static str,
    order: &'static str,
}

/// A timestamp with time zone in the form that is read here.
macro_rules! utc {
    ($column:literal) => {
        concat!(
            "to_char((",
            $column,
            ")::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
        )
    };
}

impl Tool {
    const fn layout(self) -> Layout {
        match self {
            Self::Sqlx => Layout {
                table: "_sqlx_migrations",
                columns: &["version", "description", "installed_on", "success"],
                select: concat!(
                    "version::text || ' ' || description, version::text, description, NULL, ",
                    utc!("installed_on"),
                    ", CASE WHEN success THEN 'done' ELSE 'failed' END"
                ),
                order: "version",
            },
            Self::Refinery => Layout {
                table: "refinery_schema_history",
                columns: &["version", "name", "applied_on", "checksum"],
                select: "version::text || ' ' || name, version::text, name, NULL, applied_on::text, 'done'",
                order: "version",
            },
            // installed_on has no time zone; it is taken as the server's.
            Self::Flyway => Layout {
                table: "flyway_schema_history",
                columns: &[
                    "installed_rank",
                    "version",
                    "description",
                    "type",
                    "installed_on",
                    "success",
                ],
                select: concat!(
                    "COALESCE(version, 'R') || ' ' || description, version, description, NULL, ",
                    utc!("installed_on"),
                    ", CASE WHEN NOT success THEN 'failed' WHEN version IS NULL THEN 'aside' ",
                    "WHEN type LIKE 'UNDO%' OR type = 'DELETE' THEN 'undone' ",
                    "WHEN type LIKE '%BASELINE%' THEN 'up to' ELSE 'done' END"
                ),
                order: "installed_rank",
            },
            Self::Dbmate => Layout {
                table: "schema_migrations",
                columns: &["version"],
                select: "version::text, version::text, NULL, NULL, NULL, 'done'",
                order: "version",
            },
            // created_at is when the file was generated, not when it was applied; as a timestamp it may be
            // the version of the file that it became.
            Self::Drizzle => Layout {
                table: "__drizzle_migrations",
                columns: &["hash", "created_at"],
                select: "'row ' || id || ' of ' || to_char(to_timestamp(created_at / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD'), \
                    to_char(to_timestamp(created_at / 1000.0) AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISS'), NULL, hash, NULL, 'done'",
                order: "created_at",
            },
            Self::Prisma => Layout {
                table: "_prisma_migrations",
                columns: &[
                    "migration_name",
                    "finished_at",
                    "rolled_back_at",
                    "checksum",
                ],
                select: concat!(
                    "migration_name, substring(migration_name from '^[0-9]+'), ",
                    "COALESCE(substring(migration_name from '^[0-9]+_(.*)$'), migration_name), checksum, ",
                    utc!("finished_at"),
                    ", CASE WHEN rolled_back_at IS NOT NULL THEN 'aside' ",
                    "WHEN finished_at IS NULL THEN 'failed' ELSE 'done' END"
                ),
                order: "started_at",
            },
            Self::Sqitch => Layout {
                table: "changes",
                columns: &["change_id", "change", "project", "committed_at"],
                select: concat!(
                    "project || ':' || change, NULL, change, NULL, ",
                    utc!("committed_at"),
                    ", 'done'"
                ),
                order: "committed_at",
            },
            Self::GolangMigrate => Layout {
                table: "schema_migrations",
                columns: &["version", "dirty"],
                select: "version::text, version::text, NULL, NULL, NULL, CASE WHEN dirty THEN 'failed' ELSE 'up to' END",
                order: "version",
            },
        }
    }
}

/// Reads a tool's history. `table` says where it is, when that is not the tool's default.
///
/// # Errors
/// Exit 2 when there is no such table, more than one, or it is not that tool's.
pub async fn read(
    connection: &mut PgConnection,
    tool: Tool,
    table: Option<&Name>,
) -> Result<(Name, Vec<Foreign>)> {
    let layout = tool.layout();
    let name = match table {
        Some(name) => name.clone(),
        None => find(connection, layout.table).await?,
    };
    check(connection, &layout, tool, &name).await?;
    let doing = format!("read {name}");
    let sql = format!(
        "BEGIN READ ONLY; SET LOCAL search_path = pg_catalog; \
         SELECT a::text AS label, b::text AS version, c::text AS name, d::text AS hash, e::text AS applied_at, f::text AS fate
         FROM (SELECT {} FROM {name} ORDER BY {}) AS rows (a, b, c, d, e, f)",
        layout.select, layout.order
    );
    let rows = sqlx::raw_sql(AssertSqlSafe(sql))
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| failure(&doing, &error));
    session::run(connection, "ROLLBACK", &doing).await?;
    Ok((name, rows?.iter().map(foreign).collect()))
}

fn foreign(row: &PgRow) -> Foreign {
    let text = |name: &str| {
        row.try_get_unchecked::<Option<String>, _>(name)
            .ok()
            .flatten()
    };
    Foreign {
        label: text("label").unwrap_or_default(),
        version: text("version"),
        name: text("name"),
        hash: text("hash"),
        applied_at: text("applied_at").and_then(|at| OffsetDateTime::parse(&at, &Rfc3339).ok()),
        fate: match text("fate").as_deref() {
            Some("done") => Fate::Done,
            Some("up to") => Fate::UpTo,
            Some("undone") => Fate::Undone,
            Some("aside") => Fate::Aside,
            _ => Fate::Failed,
        },
    }
}

async fn find(connection: &mut PgConnection, table: &str) -> Result<Name> {
    let mut schemas: Vec<String> = sqlx::query_scalar(
        "SELECT n.nspname::text FROM pg_catalog.pg_class c
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relname = $1 AND c.relkind IN ('r', 'p')
           AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_temp%'
         ORDER BY 1",
    )
    .bind(table)
    .fetch_all(connection)
    .await
    .map_err(|error| failure(&format!("look for {table}"), &error))?;
    // edu keeps its own history under one of these names.
    let own = |schema: &String| format!("{schema}.{table}") == TABLE;
    if schemas.len() > 1 {
        schemas.retain(|schema| !own(schema));
    }
    match schemas.as_slice() {
        [one] => Name::new(one, table),
        [] => Err(
            Failure::usage(format!("this database has no table \"{table}\""))
                .hint("Say where that history is: --table SCHEMA.TABLE"),
        ),
        [one, two, ..] => Err(Failure::new(
            Exit::Usage,
            format!("this database has more than one table \"{table}\""),
        )
        .detail(format!("In schema \"{one}\" and in schema \"{two}\"."))
        .hint(format!("Say which: --table {}", Name::new(one, table)?))),
    }
}

async fn check(
    connection: &mut PgConnection,
    layout: &Layout,
    tool: Tool,
    name: &Name,
) -> Result<()> {
    let columns: Vec<String> = sqlx::query_scalar(
        "SELECT attname::text FROM pg_catalog.pg_attribute
         WHERE attrelid = pg_catalog.to_regclass($1) AND attnum > 0 AND NOT attisdropped",
    )
    .bind(name.to_string())
    .fetch_all(connection)
    .await
    .map_err(|error| failure(&format!("look at {name}"), &error))?;
    let has = |column: &str| columns.iter().any(|one| one == column);
    let odd = Failure::usage(format!("{name} is not the history that was named"));
    if let Some(missing) = layout.columns.iter().find(|column| !has(column)) {
        return Err(odd.detail(format!("It has no column \"{missing}\".")));
    }
    // dbmate and golang-migrate share a table's name.
    if tool == Tool::Dbmate && has("dirty") {
        return Err(odd
            .detail("It has a column \"dirty\", as golang-migrate's has.")
            .hint("Give: --from golang-migrate"));
    }
    Ok(())
}
