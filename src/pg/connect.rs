//! Where the server is, and how to reach it.
//!
//! URLs are sqlx's (and so libpq's) connection URIs; libpq's `PG*` variables and `.pgpass` fill what
//! a URL leaves open. A password leaves this module only as a client program's environment.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{ConnectOptions, Connection};

use super::error::{self, sqlstate};
use crate::failure::{Exit, Failure, Result, causes};

/// How long a connection over a network may take before the server counts as unreachable.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The same to this machine: what does not answer there is more likely busy than gone.
const CONNECT_TIMEOUT_LOCAL: Duration = Duration::from_secs(20);

/// The same through a Unix socket, on which nothing is lost.
const CONNECT_TIMEOUT_SOCKET: Duration = Duration::from_secs(60);

/// One server and database, and who told edu about it.
#[derive(Clone)]
pub struct Server {
    options: PgConnectOptions,
    /// What a client program needs beside the place: libpq's variables with the password and TLS.
    libpq: Vec<(&'static str, String)>,
    /// The text it was read from, if it was one. May hold a password.
    text: Option<String>,
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
            Ok(options) => Ok(Self {
                options: plain(options),
                libpq: libpq_variables(url),
                text: Some(url.to_owned()),
                source,
            }),
            Err(_) => Err(Failure::usage(format!("the URL in {source} could not be read"))
                .detail("Special characters in the user, password or database must be percent-encoded.")
                .hint("Write it as postgresql://USER:PASSWORD@HOST:PORT/DATABASE.")),
        }
    }

    /// What libpq's `PG*` variables and `.pgpass` say.
    pub fn from_environment() -> Self {
        Self {
            options: plain(PgConnectOptions::new()),
            libpq: Vec::new(),
            text: None,
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

    /// The URL for client programs of any language. With [`Secret::Shown`] it holds the password that
    /// the URL it was made from held; one from `PGPASSWORD` or `.pgpass` the programs find themselves.
    pub fn client_url(&self, secret: Secret) -> String {
        match &self.text {
            Some(text) => readdressed(text, self.user(), self.database(), secret),
            None => {
                let port = self.options.get_port();
                let (user, database) = (encoded(self.user()), encoded(self.database()));
                match self.options.get_socket() {
                    Some(folder) => format!(
                        "postgresql://{user}@localhost:{port}/{database}?host={}",
                        encoded(&folder.to_string_lossy())
                    ),
                    None => {
                        let host = self.options.get_host();
                        format!("postgresql://{user}@{host}:{port}/{database}")
                    }
                }
            }
        }
    }

    /// What leads libpq's client programs here, as environment variables: a password on a command
    /// line could be read by every user of the machine.
    pub fn client_environment(&self) -> Vec<(&'static str, String)> {
        let host = match self.options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => self.options.get_host().to_owned(),
        };
        let mut variables = vec![
            ("PGHOST", host),
            ("PGPORT", self.options.get_port().to_string()),
            ("PGUSER", self.user().to_owned()),
            ("PGDATABASE", self.database().to_owned()),
        ];
        variables.extend(self.libpq.iter().cloned());
        variables
    }

    /// Opens a connection that calls itself `application`.
    ///
    /// # Errors
    /// Exit 7 with the reason and a way out. Nothing was changed.
    pub async fn connect(&self, application: &str) -> Result<PgConnection> {
        let options = self.options.clone().application_name(application);
        let by_socket = options.get_socket().is_some() || options.get_host().starts_with('/');
        let (limit, hint) = match by_socket {
            true => (
                CONNECT_TIMEOUT_SOCKET,
                "Is the machine very busy, or the server stuck?",
            ),
            false if self.is_local() => (CONNECT_TIMEOUT_LOCAL, "Check host, port and firewall."),
            false => (CONNECT_TIMEOUT, "Check host, port and firewall."),
        };
        let connecting = async {
            match PgConnection::connect_with(&options).await {
                // A session of PostgreSQL 18 that broke down can leave its place such that the next one stumbles there.
                Err(error) if sqlstate(&error) == "XX000" => {
                    PgConnection::connect_with(&options).await
                }
                outcome => outcome,
            }
        };
        match tokio::time::timeout(limit, connecting).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(self.connect_failure(&error)),
            Err(_) => Err(self
                .unreachable()
                .detail(format!("No answer within {} s.", limit.as_secs()))
                .hint(hint)),
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

/// Whether a URL may hold its password: only what reads it and shows it to nobody gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secret {
    /// It is left out.
    Hidden,
    /// It is there.
    Shown,
}

/// A URL that names another user or database. The password goes with its user only.
fn readdressed(url: &str, user: &str, database: &str, secret: Secret) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgresql", url));
    let rest = rest.split('#').next().unwrap_or("");
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = place.split('/').next().unwrap_or("");
    let (login, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (named, password) = login.split_once(':').unwrap_or((login, ""));
    let keeps = secret == Secret::Shown && (named.is_empty() || decoded(named) == user);
    let password = if keeps && !password.is_empty() {
        format!(":{password}")
    } else {
        String::new()
    };
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| {
            let key = pair.split('=').next().unwrap_or("");
            !matches!(key, "" | "dbname" | "user") && (keeps || key != "password")
        })
        .collect();
    let query = if kept.is_empty() {
        String::new()
    } else {
        format!("?{}", kept.join("&"))
    };
    let (user, database) = (encoded(user), encoded(database));
    format!("{scheme}://{user}{password}@{host}/{database}{query}")
}

/// Percent-encodes what RFC 3986 does not call unreserved.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// The parts of a URL that sqlx does not give back, as libpq's variables.
fn libpq_variables(url: &str) -> Vec<(&'static str, String)> {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let rest = rest.split('#').next().unwrap_or("");
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let login = place.split('/').next().and_then(|authority| {
        let (login, _) = authority.rsplit_once('@')?;
        login.split_once(':')
    });
    let mut variables = Vec::new();
    if let Some((_, password)) = login {
        variables.push(("PGPASSWORD", decoded(password)));
    }
    for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        let name = match key {
            "password" => "PGPASSWORD",
            "sslmode" => "PGSSLMODE",
            "sslrootcert" => "PGSSLROOTCERT",
            "sslcert" => "PGSSLCERT",
            "sslkey" => "PGSSLKEY",
            _ => continue,
        };
        variables.push((name, decoded(value)));
    }
    variables
}

/// Undoes percent-encoding.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let code = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match (first, code.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// No statement in a log, and no start-up setting that a session pooler does not know: since
/// PostgreSQL 12 the default of `extra_float_digits` is exact anyway.
///
/// A Unix-domain socket knows no TLS; asking for it would cost a round trip. libpq ignores sslmode there too.
fn plain(options: PgConnectOptions) -> PgConnectOptions {
    let options = options.disable_statement_logging().extra_float_digits(None);
    match options.get_socket().is_some() || options.get_host().starts_with('/') {
        true => options.ssl_mode(PgSslMode::Disable),
        false => options,
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
    fn a_client_program_gets_the_password_in_its_environment() {
        let url = "postgresql://a:s3%40cret@db.example:6/x?sslmode=require&sslrootcert=/a%20b";
        let variables = Server::from_url(url, "--url").unwrap().client_environment();
        let value = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| value.as_str())
        };
        assert_eq!(value("PGPASSWORD"), Some("s3@cret"));
        assert_eq!(value("PGSSLROOTCERT"), Some("/a b"));
        assert_eq!(
            (value("PGHOST"), value("PGPORT")),
            (Some("db.example"), Some("6"))
        );
    }

    #[test]
    fn a_client_url_keeps_its_parameters_and_its_password_with_its_user() {
        let url = "postgres://a%40b:s3cret@db:6/x?sslmode=require&dbname=y&application_name=z";
        let server = Server::from_url(url, "--url").unwrap().with_database("t_1");
        assert_eq!(
            server.client_url(Secret::Shown),
            "postgres://a%40b:s3cret@db:6/t_1?sslmode=require&application_name=z"
        );
        assert_eq!(
            server.client_url(Secret::Hidden),
            "postgres://a%40b@db:6/t_1?sslmode=require&application_name=z"
        );
        let other = server.with_user("c").client_url(Secret::Shown);
        assert_eq!(
            other,
            "postgres://c@db:6/t_1?sslmode=require&application_name=z"
        );
    }

    #[test]
    fn a_socket_folder_in_the_url_is_understood() {
        let url = "postgresql:///shop?host=/tmp/edu-0/ab&port=5999&user=postgres";
        let server = Server::from_url(url, "--url").unwrap();
        assert_eq!(server.place(), "postgres@/tmp/edu-0/ab:5999/shop");
    }
}
