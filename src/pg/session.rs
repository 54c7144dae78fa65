//! The state every connection of edu's starts from, and what must hold before the first write.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};

use super::Server;
use super::error::failure;
use super::message::Message;
use crate::catalog::name::quote_ident;
use crate::failure::{Failure, Result};
use crate::spec::manifest::MAJORS;

/// What edu sets on every connection.
///
/// `client_connection_check_interval` lets the server notice within half a second that edu is gone,
/// so that a killed run frees its locks. The connection of a lock may idle for hours.
pub(super) const LASTING: [&str; 2] = [
    "SET client_connection_check_interval = '500ms'",
    "SET idle_session_timeout = 0",
];

/// What edu sets on every working connection, and sets again after a reset.
const BASELINE: [&str; 4] = [
    "SET client_min_messages = 'warning'",
    "SET idle_in_transaction_session_timeout = 0",
    "SET standard_conforming_strings = on",
    "SET DateStyle = 'ISO, YMD'",
];

/// What takes a session back to the state [`open`] left it in, statement by statement.
pub(super) fn fresh() -> impl Iterator<Item = &'static str> {
    ["RESET SESSION AUTHORIZATION", "RESET ROLE", "RESET ALL"]
        .into_iter()
        .chain(LASTING)
        .chain(BASELINE)
}

/// What the server says of itself.
#[derive(Debug, Clone)]
pub struct Identity {
    /// `server_version_num`, for example 170011.
    pub version: u32,
    /// The session's user is a superuser.
    pub superuser: bool,
    /// The server is a standby.
    pub standby: bool,
    /// New transactions are read-only.
    pub read_only: bool,
    /// The session's user.
    pub user: String,
}

impl Identity {
    /// The server's major.
    pub fn major(&self) -> u16 {
        u16::try_from(self.version / 10_000).unwrap_or(0)
    }
}

/// Connects, sets the baseline, and checks that edu can work with this server at all.
///
/// # Errors
/// Exit 7 when it cannot be reached, exit 8 when the major is not one of [`MAJORS`].
pub async fn open(server: &Server, application: &str) -> Result<(PgConnection, Identity)> {
    let mut connection = server.connect(application).await?;
    let identity = prepare(&mut connection).await?;
    supported(identity.version, server)?;
    Ok((connection, identity))
}

/// Refuses a server major that edu does not know.
///
/// # Errors
/// Exit 8.
pub(super) fn supported(version: u32, server: &Server) -> Result<()> {
    let major = u16::try_from(version / 10_000).unwrap_or(0);
    if MAJORS.contains(&major) {
        return Ok(());
    }
    Err(Failure::refused(format!(
        "PostgreSQL {major} is not supported (at {})",
        server.place()
    ))
    .detail(format!(
        "edu works with {} to {}.",
        MAJORS.start(),
        MAJORS.end()
    ))
    .hint("Use a supported server, for example the image: edu image build"))
}

/// Like [`open`], for a command that will write.
///
/// # Errors
/// Those of [`open`], and exit 8 on a standby or a read-only server. Nothing was changed.
pub async fn open_for_writing(
    server: &Server,
    application: &str,
) -> Result<(PgConnection, Identity)> {
    let (connection, identity) = open(server, application).await?;
    if identity.standby {
        return Err(Failure::refused(format!("{} is a standby", server.place()))
            .detail("A standby accepts no changes.")
            .hint("Give the URL of the primary."));
    }
    if identity.read_only {
        return Err(Failure::refused(format!("{} is read-only", server.place()))
            .detail("default_transaction_read_only is on for this role, database or server.")
            .hint("Connect as a role that may write."));
    }
    Ok((connection, identity))
}

/// Sets the baseline and asks the server what it is, in one round trip.
async fn prepare(connection: &mut PgConnection) -> Result<Identity> {
    let mut message = Message::default();
    for setting in LASTING.into_iter().chain(BASELINE) {
        message.add(setting);
    }
    message.add(
        "SELECT pg_catalog.current_setting('server_version_num')::int4 AS version,
                r.rolsuper AS superuser,
                pg_catalog.pg_is_in_recovery() AS standby,
                pg_catalog.current_setting('default_transaction_read_only')::bool AS read_only,
                session_user::text AS \"user\"
         FROM pg_catalog.pg_roles r WHERE r.rolname = session_user",
    );
    let rows = message
        .send(connection)
        .await
        .map_err(|stop| failure("identify the server", &stop.error))?;
    let row = rows
        .first()
        .ok_or_else(|| Failure::bug("the server did not say who is connected"))?;
    Ok(Identity {
        version: row.get::<i32, _>("version").unsigned_abs(),
        superuser: row.get("superuser"),
        standby: row.get("standby"),
        read_only: row.get("read_only"),
        user: row.get("user"),
    })
}

/// Brings the session back to the state [`open`] left it in.
///
/// # Errors
/// When the connection is lost.
pub async fn reset(connection: &mut PgConnection) -> Result<()> {
    let mut message = Message::default();
    for statement in fresh() {
        message.add(statement);
    }
    message
        .send(connection)
        .await
        .map(drop)
        .map_err(|stop| failure("reset the session", &stop.error))
}

/// Becomes `role`, if there is one to become.
///
/// # Errors
/// Exit 8 when the role does not exist or the login may not become it.
pub async fn become_role(connection: &mut PgConnection, role: Option<&str>) -> Result<()> {
    set_role(connection, "SET ROLE", role).await
}

/// Becomes `role` until the transaction ends, if there is one to become.
///
/// # Errors
/// Those of [`become_role`].
pub async fn become_role_locally(connection: &mut PgConnection, role: Option<&str>) -> Result<()> {
    set_role(connection, "SET LOCAL ROLE", role).await
}

async fn set_role(connection: &mut PgConnection, set: &str, role: Option<&str>) -> Result<()> {
    let Some(role) = role else { return Ok(()) };
    let sql = format!("{set} {}", quote_ident(role));
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(connection)
        .await
        .map(drop)
        .map_err(|error| {
            failure(&format!("become the role \"{role}\""), &error)
                .exit(crate::failure::Exit::Refused)
                .hint("Bootstrap first (edu db bootstrap), or connect as a member of that role.")
        })
}

/// Runs trusted SQL text of edu's own. `doing` completes "could not …".
///
/// # Errors
/// By SQLSTATE, see [`super::error`].
pub async fn run(connection: &mut PgConnection, sql: &str, doing: &str) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(connection)
        .await
        .map(drop)
        .map_err(|error| failure(doing, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_refused_by_its_major() {
        let server = Server::from_url("postgresql://a@db/x", "--url").unwrap();
        let admitted = |version| {
            let identity = Identity {
                version,
                superuser: true,
                standby: false,
                read_only: false,
                user: "a".to_owned(),
            };
            supported(identity.version, &server).is_ok()
        };
        assert!(admitted(160_004) && admitted(170_011) && admitted(180_006));
        assert!(!admitted(150_018) && !admitted(190_000) && !admitted(90_624));
    }
}
