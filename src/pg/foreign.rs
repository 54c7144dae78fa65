//! Reading other tools' histories. Their tables are only read.

mod layout;

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Row};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use layout::Layout;

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
    check(connection, layout, tool, &name).await?;
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
