//! The database a backup is restored into: made under a name of its own, and given the wanted name
//! only when it is whole. Whatever ends the run before leaves the wanted name as it was.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use sqlx::types::Uuid;

use super::role;
use super::stock::{Extension, Stock};
use crate::catalog::name::{quote_ident, quote_literal};
use crate::failure::{Failure, Result};
use crate::pg::Server;
use crate::pg::error::failure;
use crate::pg::session::{self, Identity};

/// The database every cluster has.
const MAINTENANCE: &str = "postgres";

/// Between the wanted name and what makes an unfinished one unique.
const MARK: &str = "_restoring_";

/// The longest name the server keeps. Units: bytes. Source: `NAMEDATALEN` - 1.
const NAME_BYTES_MAX: usize = 63;

/// An unfinished database.
pub struct Target {
    maintenance: PgConnection,
    /// The server's word on who works here.
    pub identity: Identity,
    /// How to reach the unfinished database.
    pub server: Server,
    wanted: String,
}

/// What stands in the way of the wanted name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Existing {
    /// Nothing.
    None,
    /// A database with so many sessions.
    Database(i64),
}

impl Target {
    /// Connects to the server of `wanted` and creates nothing yet.
    ///
    /// # Errors
    /// Exit 7, or 8 when the role is no superuser: extensions and roles need one.
    pub async fn prepare(wanted: &Server) -> Result<Self> {
        let admin = wanted.with_database(MAINTENANCE);
        let (maintenance, identity) = session::open_for_writing(&admin, "edu db restore").await?;
        if !identity.superuser {
            return Err(Failure::refused(format!(
                "role \"{}\" is not a superuser",
                identity.user
            ))
            .detail("A restore creates extensions that only a superuser may create, and sets owners.")
            .hint("Run this as a superuser."));
        }
        let unique: String = Uuid::new_v4()
            .simple()
            .to_string()
            .chars()
            .take(8)
            .collect();
        let room = NAME_BYTES_MAX - MARK.len() - unique.len();
        let start = shortened(wanted.database(), room);
        Ok(Self {
            maintenance,
            identity,
            server: wanted.with_database(&format!("{start}{MARK}{unique}")),
            wanted: wanted.database().to_owned(),
        })
    }

    /// What has the wanted name now.
    ///
    /// # Errors
    /// By SQLSTATE.
    pub async fn existing(&mut self) -> Result<Existing> {
        let sessions: Option<i64> = sqlx::query_scalar(
            "SELECT (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity a WHERE a.datid = d.oid)
             FROM pg_catalog.pg_database d WHERE d.datname = $1",
        )
        .bind(&self.wanted)
        .fetch_optional(&mut self.maintenance)
        .await
        .map_err(|error| failure("look for the database", &error))?;
        Ok(sessions.map_or(Existing::None, Existing::Database))
    }

    /// Drops what broken-off restores into the same name left and nobody uses. Shape: their names.
    ///
    /// # Errors
    /// By SQLSTATE.
    pub async fn sweep(&mut self) -> Result<Vec<String>> {
        let (start, _) = self.server.database().rsplit_once('_').unwrap_or_default();
        let left: Vec<String> = sqlx::query_scalar(
            "SELECT d.datname::text FROM pg_catalog.pg_database d
             WHERE pg_catalog.starts_with(d.datname::text, $1 || '_') AND d.datname ~ '_restoring_[0-9a-f]{8}$'
             AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.datid = d.oid) ORDER BY 1",
        )
        .bind(start)
        .fetch_all(&mut self.maintenance)
        .await
        .map_err(|error| failure("look for broken-off restores", &error))?;
        for name in &left {
            let sql = format!("DROP DATABASE IF EXISTS {}", quote_ident(name));
            session::run(&mut self.maintenance, &sql, "drop a broken-off restore").await?;
        }
        Ok(left)
    }

    /// Creates the unfinished database with its roles and extensions. Shape: the roles that were
    /// created.
    ///
    /// # Errors
    /// By SQLSTATE.
    pub async fn create(&mut self, stock: &Stock) -> Result<Vec<String>> {
        let created = role::create_missing(&mut self.maintenance, &stock.roles).await?;
        let sql = stock.frame.create(self.server.database())?;
        session::run(&mut self.maintenance, &sql, "create the database").await?;
        let (mut connection, _) = session::open(&self.server, "edu db restore").await?;
        for extension in &stock.extensions {
            create_extension(&mut connection, extension).await?;
        }
        Ok(created)
    }

    /// What is there before the dump is read: schemas, and the tables of the extensions.
    ///
    /// # Errors
    /// By SQLSTATE.
    pub async fn there(&self) -> Result<(Vec<String>, Vec<(String, String)>)> {
        let doing = "read what the extensions made";
        let (mut connection, _) = session::open(&self.server, "edu db restore").await?;
        let schemas = sqlx::query_scalar("SELECT nspname::text FROM pg_catalog.pg_namespace")
            .fetch_all(&mut connection)
            .await
            .map_err(|error| failure(doing, &error))?;
        let tables = sqlx::query_as(
            "SELECT n.nspname::text, c.relname::text FROM pg_catalog.pg_class c
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')",
        )
        .fetch_all(&mut connection)
        .await
        .map_err(|error| failure(doing, &error))?;
        Ok((schemas, tables))
    }

    /// Gives it its owner, settings and privileges.
    ///
    /// # Errors
    /// By SQLSTATE.
    pub async fn dress(&self, stock: &Stock) -> Result<()> {
        let ours = self.server.database();
        let admin = self.server.with_database(MAINTENANCE);
        let (mut connection, _) = session::open(&admin, "edu db restore").await?;
        // Its roles are all there: they were created.
        stock
            .frame
            .privileges
            .put_on(&mut connection, ours)
            .await
            .map(drop)
    }

    /// Gives it the wanted name. What had the name is kept under
    /// another one, which is returned. With `disconnect`, sessions of the old database are ended.
    ///
    /// # Errors
    /// Exit 8 when somebody uses the old database. Both databases stay then, under their names.
    pub async fn finish(mut self, disconnect: bool) -> Result<Option<String>> {
        let ours = self.server.database().to_owned();
        let old = match self.existing().await? {
            Existing::None => None,
            Existing::Database(_) => Some(self.old_name()),
        };
        let mut sql = String::new();
        if let Some(old) = &old {
            if disconnect {
                sql.push_str(&format!(
                    "SELECT pg_catalog.pg_terminate_backend(pid, 5000) FROM pg_catalog.pg_stat_activity WHERE datname = {};",
                    quote_literal(&self.wanted)?
                ));
            }
            sql.push_str(&rename(&self.wanted, old));
        }
        sql.push_str(&rename(&ours, &self.wanted));
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut self.maintenance)
            .await
            .map_err(|error| {
                failure(
                    &format!("give the restored database the name \"{}\"", self.wanted),
                    &error,
                )
                .exit(crate::failure::Exit::Refused)
                .detail(format!(
                    "It is whole, and is called \"{ours}\"; \"{}\" is as it was.",
                    self.wanted
                ))
                .hint("End the sessions of the old database, or let edu do it: --disconnect")
            })?;
        Ok(old)
    }

    fn old_name(&self) -> String {
        let now = time::OffsetDateTime::now_utc();
        let mark = format!(
            "_before_{:04}{:02}{:02}_{:02}{:02}{:02}",
            now.year(),
            u8::from(now.month()),
            now.day(),
            now.hour(),
            now.minute(),
            now.second()
        );
        let start = shortened(&self.wanted, NAME_BYTES_MAX - mark.len());
        format!("{start}{mark}")
    }

    /// Drops the unfinished database.
    pub async fn abandon(mut self) {
        let sql = format!(
            "DROP DATABASE IF EXISTS {} WITH (FORCE)",
            quote_ident(self.server.database())
        );
        let _ = session::run(&mut self.maintenance, &sql, "drop the unfinished database").await;
    }
}

fn rename(from: &str, to: &str) -> String {
    format!(
        "ALTER DATABASE {} RENAME TO {};",
        quote_ident(from),
        quote_ident(to)
    )
}

/// The first bytes of a name, up to a boundary between characters.
fn shortened(name: &str, bytes_max: usize) -> &str {
    let mut end = name.len().min(bytes_max);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

/// Some extensions have a schema of their own and refuse another word on it.
async fn create_extension(connection: &mut PgConnection, extension: &Extension) -> Result<()> {
    let doing = format!("create the extension \"{}\"", extension.name);
    let fixed: Option<bool> = sqlx::query_scalar(
        "SELECT v.schema IS NOT NULL FROM pg_catalog.pg_available_extension_versions v
         JOIN pg_catalog.pg_available_extensions a ON a.name = v.name AND a.default_version = v.version
         WHERE v.name = $1",
    )
    .bind(&extension.name)
    .fetch_optional(&mut *connection)
    .await
    .map_err(|error| failure(&doing, &error))?;
    let Some(fixed) = fixed else {
        return Err(Failure::refused(format!(
            "the server has no extension \"{}\"",
            extension.name
        ))
        .detail(format!(
            "The backup needs it (it had {}).",
            extension.version
        ))
        .hint("Install its package on the server, or restore into a server that has it."));
    };
    let name = quote_ident(&extension.name);
    let schema = quote_ident(&extension.schema);
    let sql = if fixed {
        format!("CREATE EXTENSION IF NOT EXISTS {name} CASCADE")
    } else {
        format!(
            "CREATE SCHEMA IF NOT EXISTS {schema};CREATE EXTENSION IF NOT EXISTS {name} WITH SCHEMA {schema} CASCADE"
        )
    };
    session::run(connection, &sql, &doing).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_between_characters() {
        assert_eq!(shortened("אב", 3), "א");
        assert_eq!(shortened("ab", 9), "ab");
    }
}
