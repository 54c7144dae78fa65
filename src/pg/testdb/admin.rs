//! The connection that test databases are made and dropped on.

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Connection, Row};

use crate::failure::{Failure, Result};
use crate::pg::bootstrap::MAINTENANCE;
use crate::pg::error::failure;
use crate::pg::session::{self, Identity};
use crate::pg::{Server, pooler};
use crate::sql::fingerprint::checksum;

/// The name that the server shows for it.
pub const APPLICATION: &str = "edu testdb";

/// What an advisory lock of test databases is about: its first key. The second is made of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// A clone is being made or used.
    Clone = 0x6564_7501,
    /// A template is being made or removed.
    Template = 0x6564_7502,
}

/// Whether something can stand between edu and the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Path {
    /// Nothing: the server was started by edu.
    Direct,
    /// Whatever the URL leads through.
    Unknown,
}

/// A connection to the database that every process which shares the server uses for this.
pub struct Admin {
    /// How to reach it.
    pub server: Server,
    /// The connection.
    pub connection: PgConnection,
    /// What the server says of itself.
    pub identity: Identity,
}

impl Admin {
    /// Connects, and refuses what test databases cannot be made through.
    ///
    /// # Errors
    /// Exit 7 when the server cannot be reached; exit 8 for a standby, a read-only server, and a
    /// pooler that shares sessions. Nothing was changed.
    pub async fn open(server: &Server, path: Path) -> Result<Self> {
        let maintenance = server.with_database(MAINTENANCE);
        match open_at(&maintenance, path).await {
            // A shared server need not have it, or not for everybody.
            Err(failure) if server.database() != MAINTENANCE && is_closed(&failure) => {
                open_at(server, path).await
            }
            opened => opened,
        }
    }

    /// The server's major, and the versions that it offers of these extensions: what decides, beside
    /// the project's files, what a template becomes. In words, to be hashed.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn versions(&mut self, extensions: &[&str]) -> Result<String> {
        let rows = sqlx::query(
            "SELECT name::text, default_version::text AS version
             FROM pg_catalog.pg_available_extensions WHERE name = ANY ($1) ORDER BY name",
        )
        .bind(extensions)
        .fetch_all(&mut self.connection)
        .await
        .map_err(|error| failure("look at the extensions", &error))?;
        let mut text = format!("PostgreSQL {}", self.identity.major());
        for row in rows {
            let (name, version): (String, Option<String>) = (row.get("name"), row.get("version"));
            text.push_str(&format!(", {name} {}", version.unwrap_or_default()));
        }
        Ok(text)
    }

    /// The server's time. Units: seconds since 1970.
    pub(super) async fn now(&mut self) -> Result<i64> {
        sqlx::query_scalar("SELECT extract(epoch FROM pg_catalog.clock_timestamp())::int8")
            .fetch_one(&mut self.connection)
            .await
            .map_err(|error| failure("ask for the server's time", &error))
    }

    /// Takes the lock of `name` if nobody has it, and says the server's time.
    pub(super) async fn try_lock(&mut self, class: Class, name: &str) -> Result<(bool, i64)> {
        let row = sqlx::query(
            "SELECT pg_catalog.pg_try_advisory_lock($1, $2) AS held,
                    extract(epoch FROM pg_catalog.clock_timestamp())::int8 AS now",
        )
        .bind(class as i32)
        .bind(key(name).cast_signed())
        .fetch_one(&mut self.connection)
        .await
        .map_err(|error| failure(&format!("take the lock of \"{name}\""), &error))?;
        Ok((row.get("held"), row.get("now")))
    }

    /// Gives the lock of `name` back.
    pub(super) async fn unlock(&mut self, class: Class, name: &str) -> Result<()> {
        sqlx::query("SELECT pg_catalog.pg_advisory_unlock($1, $2)")
            .bind(class as i32)
            .bind(key(name).cast_signed())
            .execute(&mut self.connection)
            .await
            .map(drop)
            .map_err(|error| failure(&format!("give the lock of \"{name}\" back"), &error))
    }

    /// Runs statements of edu's own in one message. `doing` completes "could not …".
    pub(super) async fn run(&mut self, sql: &str, doing: &str) -> Result<()> {
        session::run(&mut self.connection, sql, doing).await
    }

    /// Runs one statement, and gives the server's own error.
    pub(super) async fn attempt(&mut self, sql: String) -> std::result::Result<(), sqlx::Error> {
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut self.connection)
            .await
            .map(drop)
    }

    /// Asks without parameters. `doing` completes "could not …".
    pub(super) async fn rows(&mut self, sql: &'static str, doing: &str) -> Result<Vec<PgRow>> {
        sqlx::query(sql)
            .fetch_all(&mut self.connection)
            .await
            .map_err(|error| failure(doing, &error))
    }

    /// Closes the connection, and waits until the server knows.
    pub async fn close(self) {
        let _ = self.connection.close().await;
    }
}

/// The second key of the lock of `name`.
pub(super) fn key(name: &str) -> u32 {
    let hash = checksum(name);
    u32::from_str_radix(&hash[..8], 16).unwrap_or_default()
}

/// Whether the database is not there, or not for this role.
fn is_closed(failure: &Failure) -> bool {
    let says = |word: &str| failure.detail.iter().any(|fact| fact.contains(word));
    says("does not exist") || says("permission denied for database")
}

async fn open_at(server: &Server, path: Path) -> Result<Admin> {
    let opened = match path {
        Path::Direct => session::open_for_writing(server, APPLICATION).await?,
        Path::Unknown => {
            let (opened, second) = futures_util::future::try_join(
                session::open_for_writing(server, APPLICATION),
                server.connect(APPLICATION),
            )
            .await?;
            refuse_pooler(server, opened, second).await?
        }
    };
    let (connection, identity) = opened;
    Ok(Admin {
        server: server.clone(),
        connection,
        identity,
    })
}

/// Two connections to a server are two sessions, unless a pooler lends both the same ones.
async fn refuse_pooler(
    server: &Server,
    mut first: (PgConnection, Identity),
    mut second: PgConnection,
) -> Result<(PgConnection, Identity)> {
    let own = pooler::session(&mut second, "").await?;
    let kept = pooler::each_keeps_its_own(&mut second, own, &mut first.0).await?;
    let _ = second.close().await;
    match kept {
        true => Ok(first),
        false => Err(pooler::refusal(
            server,
            "a lease's lock would protect nobody",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::key;

    #[test]
    fn the_key_of_a_lock_is_the_same_on_every_machine_and_release() {
        assert_eq!(
            key("edu_test_shop_0123456789ab"),
            key("edu_test_shop_0123456789ab")
        );
        assert_eq!(key(""), 0xe3b0_c442);
    }
}
