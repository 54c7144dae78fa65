//! What a database holds at one moment: structure, row counts, extensions, roles, settings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};

use super::role::{self, Role};
use crate::catalog::fingerprint::fingerprint;
use crate::catalog::name::Name;
use crate::failure::{Failure, Result};
use crate::pg::database::Frame;
use crate::pg::error::failure;
use crate::pg::session::{self, Identity};
use crate::pg::{Server, inspect};
use crate::progress::{Progress, Report, Unit};

/// What is written down beside a dump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stock {
    /// `server_version_num`.
    pub server: u32,
    /// The database's name.
    pub database: String,
    /// Owner, encoding, settings, privileges.
    pub frame: Frame,
    /// The roles it depends on.
    pub roles: Vec<Role>,
    /// Its extensions, in the order of their creation.
    pub extensions: Vec<Extension>,
    /// Rows per table, by qualified name, as of the dump's snapshot.
    pub rows: BTreeMap<String, u64>,
    /// The catalog's fingerprint; nothing where the structure changed while the dump was made.
    pub fingerprint: Option<String>,
}

/// An extension of a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The schema it was created in.
    pub schema: String,
}

/// Tables that hold rows of their own and are dumped: no parents of partitions, nothing temporary,
/// unlogged tables included, nothing of an extension.
const TABLES: &str = "
SELECT n.nspname::text AS schema, c.relname::text AS name
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1, 2";

const EXTENSIONS: &str = "
SELECT e.extname::text AS name, e.extversion AS version, n.nspname::text AS schema
FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname <> 'plpgsql' ORDER BY e.oid";

/// A snapshot that `pg_dump` and the counts share. It ends with its connection.
pub struct Snapshot {
    connection: PgConnection,
    /// What `pg_dump --snapshot` is told.
    pub id: String,
}

impl Snapshot {
    /// Takes a snapshot, after making sure that the role sees every row.
    ///
    /// # Errors
    /// Exit 8 when row-level security would hide rows from the dump; by SQLSTATE otherwise.
    pub async fn take(server: &Server) -> Result<(Self, Identity)> {
        let (mut connection, identity) = session::open(server, "edu db backup").await?;
        sees_all(&mut connection, &identity).await?;
        let begin = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY";
        session::run(&mut connection, begin, "begin a read-only transaction").await?;
        let id = sqlx::query_scalar("SELECT pg_catalog.pg_export_snapshot()")
            .fetch_one(&mut connection)
            .await
            .map_err(|error| failure("export a snapshot", &error))?;
        Ok((Self { connection, id }, identity))
    }

    /// Reads everything but the fingerprint, as of the snapshot.
    ///
    /// # Errors
    /// By SQLSTATE.
    pub async fn stock(
        &mut self,
        server: &Server,
        identity: &Identity,
        report: Report<'_>,
    ) -> Result<Stock> {
        let connection = &mut self.connection;
        Ok(Stock {
            server: identity.version,
            database: server.database().to_owned(),
            frame: Frame::read(connection, server.database()).await?,
            roles: role::read(connection).await?,
            extensions: extensions(connection).await?,
            rows: rows(connection, report).await?,
            fingerprint: None,
        })
    }
}

/// The structure's fingerprint, whatever the roles elsewhere on the server.
///
/// # Errors
/// By SQLSTATE.
pub async fn structure(connection: &mut PgConnection) -> Result<String> {
    inspect::inspect(connection, &[])
        .await
        .map(|catalog| fingerprint(&catalog))
}

/// The database's extensions, in the order of their creation.
///
/// # Errors
/// By SQLSTATE.
pub async fn extensions(connection: &mut PgConnection) -> Result<Vec<Extension>> {
    let rows = sqlx::query(EXTENSIONS)
        .fetch_all(connection)
        .await
        .map_err(|error| failure("read the extensions", &error))?;
    Ok(rows
        .iter()
        .map(|row| Extension {
            name: row.get("name"),
            version: row.get("version"),
            schema: row.get("schema"),
        })
        .collect())
}

/// Counts the rows of every table.
///
/// # Errors
/// By SQLSTATE.
pub async fn rows(
    connection: &mut PgConnection,
    report: Report<'_>,
) -> Result<BTreeMap<String, u64>> {
    let doing = "count the rows";
    let tables = sqlx::query(TABLES)
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| failure(doing, &error))?;
    let total = tables.len() as u64;
    report(Progress::counted("counting rows", total, Unit::Items));
    let mut counts = BTreeMap::new();
    for (at, row) in tables.iter().enumerate() {
        let table = Name::new(row.get::<String, _>("schema"), row.get::<String, _>("name"))?;
        let sql = format!("SELECT pg_catalog.count(*) FROM ONLY {table}");
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| failure(&format!("count the rows of {table}"), &error))?;
        counts.insert(table.to_string(), count.unsigned_abs());
        report(Progress::At(at as u64 + 1));
    }
    report(Progress::Done);
    Ok(counts)
}

/// Tables whose policies hold for the role: `pg_dump` fails on them half-way.
const HIDDEN: &str = "
SELECT c.oid::pg_catalog.regclass::text AS name FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_roles r ON r.rolname = session_user
WHERE c.relkind IN ('r', 'p') AND c.relrowsecurity AND NOT r.rolbypassrls AND NOT r.rolsuper
AND (c.relforcerowsecurity OR NOT pg_catalog.pg_has_role(c.relowner, 'USAGE')) ORDER BY 1";

async fn sees_all(connection: &mut PgConnection, identity: &Identity) -> Result<()> {
    let hidden: Vec<String> = sqlx::query_scalar(HIDDEN)
        .fetch_all(connection)
        .await
        .map_err(|error| failure("look for row-level security", &error))?;
    let Some(first) = hidden.first() else {
        return Ok(());
    };
    Err(Failure::refused(format!(
        "row-level security hides rows of {} tables from role \"{}\"",
        hidden.len(),
        identity.user
    ))
    .detail(format!(
        "A dump would lack them, or break off half-way; the first is {first}."
    ))
    .hint("Back up as a superuser or a role with BYPASSRLS."))
}

impl Stock {
    /// In what `found` differs from this record. Empty when nothing was lost.
    pub fn differences(&self, found: &BTreeMap<String, u64>, structure: &str) -> Vec<String> {
        let mut differences = Vec::new();
        for (table, rows) in &self.rows {
            match found.get(table) {
                None => differences.push(format!("table {table} is not there")),
                Some(count) if count != rows => {
                    differences.push(format!("table {table} has {count} rows instead of {rows}"));
                }
                Some(_) => {}
            }
        }
        for table in found.keys().filter(|table| !self.rows.contains_key(*table)) {
            differences.push(format!("table {table} is new"));
        }
        if self.fingerprint.as_deref().is_some_and(|f| f != structure) {
            differences.push("the structure's fingerprint is another one".to_owned());
        }
        differences
    }

    /// The major it was dumped from.
    pub fn major(&self) -> u16 {
        u16::try_from(self.server / 10_000).unwrap_or(0)
    }
}
