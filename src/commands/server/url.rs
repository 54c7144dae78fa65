//! `edu server url`.

use super::{Tell, Which, cluster};
use crate::commands::Invocation;
use crate::failure::{Exit, Failure, Result};
use crate::server::cluster::SUPERUSER;

/// Print the connection URL
#[derive(Debug, clap::Args)]
pub struct Args {
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
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let home = invocation.home()?;
    let cluster = cluster(&home, &args.which, invocation, Tell::Nothing)?;
    let database = args.database.as_deref().unwrap_or(&home.manifest.database);
    if !args.tcp {
        invocation.ui.answer(cluster.url(database, &args.user)?);
        return Ok(Exit::Done);
    }
    let password = if args.show_password {
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
        .answer(cluster.tcp_url(database, &args.user, password.as_deref())?);
    if !args.show_password {
        invocation.ui.status(format!(
            "  the password of \"{SUPERUSER}\" is in \"{}\"; for libpq: export PGPASSFILE='{}'",
            cluster.password_file().display(),
            cluster.pgpass_file().display()
        ));
    }
    Ok(Exit::Done)
}
