//! `edu server url`.

use super::{Tell, Which, cluster, target};
use crate::commands::Invocation;
use crate::failure::{Exit, Failure, Result};
use crate::server::cluster::SUPERUSER;

/// Prints the connection URL of the project's database on the running server: over the Unix socket,
/// which needs no password, or over loopback TCP.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    which: Which,
    /// The URL over 127.0.0.1 instead of the Unix socket
    #[arg(long)]
    tcp: bool,
    /// Put the password into the URL
    #[arg(long, requires = "tcp")]
    show_password: bool,
    /// The database [default: the project's]
    #[arg(long, value_name = "NAME")]
    database: Option<String>,
    /// The role to connect as
    #[arg(long, value_name = "ROLE", default_value = SUPERUSER)]
    user: String,
}

/// Prints the URL.
pub fn run(arguments: &Arguments, invocation: &Invocation) -> Result<Exit> {
    let target = target(invocation)?;
    let cluster = cluster(&target, &arguments.which, invocation, Tell::Nothing)?;
    let database = arguments
        .database
        .as_deref()
        .unwrap_or(&target.manifest.database);
    if !arguments.tcp {
        invocation
            .ui
            .answer(cluster.url(database, &arguments.user)?);
        return Ok(Exit::Done);
    }
    let password = if arguments.show_password {
        Some(cluster.password().ok_or_else(|| {
            Failure::usage(format!(
                "the password file \"{}\" could not be read",
                cluster.password_file().display()
            ))
            .hint("Run the command as the user who created the server.")
        })?)
    } else {
        None
    };
    invocation
        .ui
        .answer(cluster.tcp_url(database, &arguments.user, password.as_deref())?);
    if !arguments.show_password {
        invocation.ui.status(format!(
            "  the password of \"{SUPERUSER}\" is in \"{}\"; for libpq: export PGPASSFILE='{}'",
            cluster.password_file().display(),
            cluster.pgpass_file().display()
        ));
    }
    Ok(Exit::Done)
}
