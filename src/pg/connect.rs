//! Where the server is, and how to reach it.
//!
//! URLs are sqlx's (and so libpq's) connection URIs; libpq's `PG*` variables and `.pgpass` fill what
//! a URL leaves open. A password never leaves this module.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};

use super::error::{self, sqlstate};
use crate::failure::{Exit, Failure, Result, causes};

/// How long a connection may take before the server counts as unreachable.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// One server and database, and who told edu about it.
#[derive(Clone)]
pub struct Server {
    options: PgConnectOptions,
    /// Who named it: "--url", "DATABASE_URL", "the embedded server".
    pub source: String,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Server({}, from {})", self.place(), self.source)
    }
}

impl Server {
    /// Reads a connection URL that `source` gave.
    ///
    /// # Errors
    /// Exit 2 when it is no URL; the text itself is not repeated, it may hold a password.
    pub fn from_url(url: &str, source: impl Into<String>) -> Result<Self> {
        let source = source.into();
        if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
            return Err(
                Failure::usage(format!("the value of {source} is not a PostgreSQL URL"))
                    .hint("Write it as postgresql://USER@HOST:PORT/DATABASE."),
            );
        }
        match PgConnectOptions::from_str(url) {
            Ok(options) => Ok(Self { options: options.disable_statement_logging(), source }),
            Err(_) => Err(Failure::usage(format!("the URL in {source} could not be read"))
                .detail("Special characters in the user, password or database must be percent-encoded.")
                .hint("Write it as postgresql://USER:PASSWORD@HOST:PORT/DATABASE.")),
        }
    }

    /// What libpq's `PG*` variables and `.pgpass` say.
    pub fn from_environment() -> Self {
        let options = PgConnectOptions::new().disable_statement_logging();
        Self {
            options,
            source: "the PG* variables".to_owned(),
        }
    }

    /// The same server, another database.
    #[must_use]
    pub fn with_database(&self, database: &str) -> Self {
        Self {
            options: self.options.clone().database(database),
            ..self.clone()
        }
    }

    /// The same server, another login.
    #[must_use]
    pub fn with_user(&self, user: &str) -> Self {
        Self {
            options: self.options.clone().username(user),
            ..self.clone()
        }
    }

    /// The database's name; libpq's default is the user's name.
    pub fn database(&self) -> &str {
        self.options
            .get_database()
            .unwrap_or_else(|| self.options.get_username())
    }

    /// Whether it is on this machine, as far as its address tells.
    pub fn is_local(&self) -> bool {
        self.options.get_socket().is_some()
            || matches!(
                self.options.get_host(),
                "localhost" | "127.0.0.1" | "::1" | "[::1]"
            )
            || self.options.get_host().starts_with('/')
    }

    /// The login's name.
    pub fn user(&self) -> &str {
        self.options.get_username()
    }

    /// Where it is, without the password: "user@host:port/database".
    pub fn place(&self) -> String {
        let host = match self.options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => self.options.get_host().to_owned(),
        };
        format!(
            "{}@{host}:{}/{}",
            self.user(),
            self.options.get_port(),
            self.database()
        )
    }

    /// Opens a connection that calls itself `application`.
    ///
    /// # Errors
    /// Exit 7 with the reason and a way out. Nothing was changed.
    pub async fn connect(&self, application: &str) -> Result<PgConnection> {
        let options = self.options.clone().application_name(application);
        match tokio::time::timeout(CONNECT_TIMEOUT, PgConnection::connect_with(&options)).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(self.connect_failure(&error)),
            Err(_) => Err(self
                .unreachable()
                .detail(format!("No answer within {} s.", CONNECT_TIMEOUT.as_secs()))
                .hint("Check host, port and firewall.")),
        }
    }

    fn unreachable(&self) -> Failure {
        Failure::new(
            Exit::Unreachable,
            format!(
                "could not connect to {} (from {})",
                self.place(),
                self.source
            ),
        )
    }

    fn connect_failure(&self, error: &sqlx::Error) -> Failure {
        let failure = self.unreachable();
        let user = self.user();
        match (sqlstate(error), error) {
            ("28P01", _) => failure
                .detail(format!("The server did not accept the password of role \"{user}\"."))
                .hint("Give the right password in the URL, PGPASSWORD or ~/.pgpass."),
            ("28000", _) => with_message(failure, error)
                .hint(format!("Create the role, or let pg_hba.conf admit \"{user}\" from here.")),
            ("3D000", _) => failure
                .detail(format!("Database \"{}\" does not exist.", self.database()))
                .hint("Create it and its extensions with: edu db bootstrap --create"),
            ("57P03", _) => with_message(failure, error)
                .hint("The server is starting or stopping; try again in a moment."),
            ("53300", _) => with_message(failure, error)
                .hint("Close connections that are not needed, or raise max_connections."),
            (_, sqlx::Error::Io(io)) => failure
                .detail(crate::failure::io_reason(io))
                .hint("Is the server running? Check host and port; for the embedded one: edu server start"),
            (_, sqlx::Error::Tls(reason)) => failure
                .detail(format!("TLS: {}", causes(reason.as_ref())))
                .hint("Check sslmode and sslrootcert in the URL."),
            _ => with_message(failure, error).hint("Check the URL."),
        }
    }
}

fn with_message(failure: Failure, error: &sqlx::Error) -> Failure {
    match error::server_error(error) {
        Some(server) => failure.detail(format!(
            "{} ({}).",
            server.message().trim_end_matches('.'),
            server.code()
        )),
        None => failure.detail(causes(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_in_no_text_that_edu_shows() {
        let server = Server::from_url("postgresql://a:s3cret@db.example:6/x", "--url").unwrap();
        assert_eq!(server.place(), "a@db.example:6/x");
        assert!(!format!("{server:?}").contains("s3cret"));
        let failure = Server::from_url("mysql://a:s3cret@h/x", "--url").unwrap_err();
        assert!(!failure.to_string().contains("s3cret"));
    }

    #[test]
    fn a_socket_folder_in_the_url_is_understood() {
        let url = "postgresql:///shop?host=/tmp/edu-0/ab&port=5999&user=postgres";
        let server = Server::from_url(url, "--url").unwrap();
        assert_eq!(server.place(), "postgres@/tmp/edu-0/ab:5999/shop");
    }
}
