//! How far a change of a column is, read from the catalog.

use sqlx::Row;
use sqlx::postgres::PgConnection;

use crate::catalog::name::{NAME_BYTES_MAX, Name, quote_ident};
use crate::failure::{Failure, Result};
use crate::pg::error::failure;

/// How far a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// There is one column.
    Untouched,
    /// The new column is there and may lack vectors.
    Filling,
    /// The new column has the name; the old one is still there.
    Exchanged,
}

/// A column, its table, and how far its change is.
#[derive(Debug, Clone)]
pub struct Place {
    /// The table.
    pub table: Name,
    /// The column.
    pub column: String,
    /// How far.
    pub stage: Stage,
    /// The column must not be NULL.
    pub required: bool,
    /// The primary key's columns with their types, ready for SQL. Never empty.
    pub key: Vec<(String, String)>,
    /// The schema that pgvector is in, ready for SQL.
    pub schema: String,
    /// The tables that hold the rows: the table itself, or the last partitions of a partitioned one.
    pub leaves: Vec<Name>,
}

impl Place {
    /// The new column before the exchange.
    pub fn next(&self) -> String {
        ended(&self.column, "_edu_next")
    }

    /// The old column after the exchange.
    pub fn previous(&self) -> String {
        ended(&self.column, "_edu_prev")
    }

    /// The trigger and its function that see to rows that are written meanwhile.
    pub fn trigger(&self) -> Name {
        let name = format!("{}_{}", self.table.name, self.column);
        Name {
            schema: self.table.schema.clone(),
            name: ended(&name, "_edu_stale"),
        }
    }

    /// The index on the rows of `leaf` that lack a new vector.
    pub fn pending_index(&self, leaf: &Name) -> Name {
        let name = format!("{}_{}", leaf.name, self.column);
        Name {
            schema: leaf.schema.clone(),
            name: ended(&name, "_edu_pending"),
        }
    }

    /// What a row that lacks a new vector is, as SQL. `alias` names the table.
    pub fn pending(&self, alias: &str) -> String {
        format!(
            "{alias}.{} IS NULL AND {alias}.{} IS NOT NULL",
            quote_ident(&self.next()),
            quote_ident(&self.column)
        )
    }
}

fn ended(name: &str, ending: &str) -> String {
    let mut end = name.len().min(NAME_BYTES_MAX - ending.len());
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{ending}", &name[..end])
}

/// Reads how far the change of a column is.
///
/// # Errors
/// Exit 8 when there is no such column, the table has no primary key, or a view reads the column.
pub async fn read(connection: &mut PgConnection, table: &Name, column: &str) -> Result<Place> {
    let doing = format!("look at column {column} of {table}");
    let mut place = Place {
        table: table.clone(),
        column: column.to_owned(),
        stage: Stage::Untouched,
        required: false,
        key: Vec::new(),
        schema: String::new(),
        leaves: Vec::new(),
    };
    let rows = sqlx::query(
        "SELECT a.attname::text AS name, a.attnotnull AS required,
                pg_catalog.format_type(a.atttypid, a.atttypmod) AS kind,
                COALESCE(a.attnum = ANY (k.conkey), false) AS key
         FROM pg_catalog.pg_attribute a
         LEFT JOIN pg_catalog.pg_constraint k ON k.conrelid = a.attrelid AND k.contype = 'p'
         WHERE a.attrelid = pg_catalog.to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
         ORDER BY pg_catalog.array_position(k.conkey, a.attnum), a.attnum",
    )
    .bind(table.to_string())
    .fetch_all(&mut *connection)
    .await
    .map_err(|error| failure(&doing, &error))?;
    let mut there = false;
    for row in &rows {
        let name: String = row.get("name");
        if row.get("key") {
            place.key.push((quote_ident(&name), row.get("kind")));
        }
        if name == column {
            (there, place.required) = (true, row.get("required"));
        } else if name == place.next() {
            place.stage = Stage::Filling;
        } else if name == place.previous() {
            place.stage = Stage::Exchanged;
        }
    }
    if !there {
        return Err(Failure::refused(format!(
            "table {table} has no column \"{column}\""
        )));
    }
    if place.key.is_empty() {
        return Err(
            Failure::refused(format!("table {table} has no primary key"))
                .detail("Rows are filled in the order of their key, and found again by it."),
        );
    }
    place.schema = schema(connection, &doing).await?;
    place.leaves = leaves(connection, table, &doing).await?;
    if place.stage == Stage::Exchanged {
        return Ok(place);
    }
    let views = views(connection, table, column, &doing).await?;
    if views.is_empty() {
        return Ok(place);
    }
    Err(
        Failure::refused(format!("a view reads column {column} of {table}"))
            .detail(format!(
                "It would go on reading the old column: {}.",
                views.join(", ")
            ))
            .hint("Drop the view, change the column, and create the view again."),
    )
}

async fn leaves(connection: &mut PgConnection, table: &Name, doing: &str) -> Result<Vec<Name>> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT n.nspname::text, c.relname::text
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE c.oid = pg_catalog.to_regclass($1) AND c.relkind <> 'p' OR c.oid IN (
             SELECT t.relid FROM pg_catalog.pg_partition_tree(pg_catalog.to_regclass($1)) t WHERE t.isleaf)
         ORDER BY 1, 2",
    )
    .bind(table.to_string())
    .fetch_all(connection)
    .await
    .map_err(|error| failure(doing, &error))?;
    rows.into_iter()
        .map(|(schema, name)| Name::new(&schema, &name))
        .collect()
}

/// Whether row security is forced on the table, and whether the login is bound by it.
///
/// # Errors
/// When the catalog cannot be read.
pub async fn forced(connection: &mut PgConnection, table: &Name) -> Result<(bool, bool)> {
    let found: Option<(bool, bool)> = sqlx::query_as(
        "SELECT c.relrowsecurity AND c.relforcerowsecurity, NOT (r.rolsuper OR r.rolbypassrls)
         FROM pg_catalog.pg_class c, pg_catalog.pg_roles r
         WHERE c.oid = pg_catalog.to_regclass($1) AND r.rolname = session_user",
    )
    .bind(table.to_string())
    .fetch_optional(connection)
    .await
    .map_err(|error| failure(&format!("look at the row security of {table}"), &error))?;
    Ok(found.unwrap_or_default())
}

async fn schema(connection: &mut PgConnection, doing: &str) -> Result<String> {
    let schema: Option<String> = sqlx::query_scalar(
        "SELECT n.nspname::text FROM pg_catalog.pg_extension e
         JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'vector'",
    )
    .fetch_optional(connection)
    .await
    .map_err(|error| failure(doing, &error))?;
    schema.map(|schema| quote_ident(&schema)).ok_or_else(|| {
        Failure::refused("the extension vector is not installed in this database")
            .hint("Install it: edu db bootstrap")
    })
}

async fn views(
    connection: &mut PgConnection,
    table: &Name,
    column: &str,
    doing: &str,
) -> Result<Vec<String>> {
    sqlx::query_scalar(
        "SELECT DISTINCT r.ev_class::pg_catalog.regclass::text
         FROM pg_catalog.pg_depend d
         JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
         JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
         WHERE d.refobjid = pg_catalog.to_regclass($1) AND a.attname = $2 AND r.ev_class <> d.refobjid",
    )
    .bind(table.to_string())
    .bind(column)
    .fetch_all(connection)
    .await
    .map_err(|error| failure(doing, &error))
}
