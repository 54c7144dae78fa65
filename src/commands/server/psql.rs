//! `edu server psql`.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;

use super::{Tell, Which, cluster, target};
use crate::commands::Invocation;
use crate::failure::{Exit, Failure, Result};
use crate::progress::silent;
use crate::server::cluster::SUPERUSER;
use crate::server::{Runtime, WAYS_OUT};

/// Opens psql on the project's database, over the socket. What follows "--" goes to psql.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    which: Which,
    /// The database [default: the project's]
    #[arg(long, value_name = "NAME")]
    database: Option<String>,
    /// Arguments for psql
    #[arg(last = true, value_name = "ARGS")]
    rest: Vec<OsString>,
}

/// Becomes psql.
pub fn run(arguments: &Arguments, invocation: &Invocation) -> Result<Exit> {
    let target = target(invocation)?;
    let cluster = cluster(&target, &arguments.which, invocation, Tell::Nothing)?;
    let database = arguments
        .database
        .as_deref()
        .unwrap_or(&target.manifest.database);
    let url = cluster.url(database, SUPERUSER)?;
    let runtime =
        Runtime::find(&invocation.environment, cluster.major, &silent)?.ok_or_else(|| {
            Failure::usage(format!(
                "the programs of PostgreSQL {} are not there",
                cluster.major
            ))
            .hint("Fetch them: edu server install")
        })?;
    let error = runtime
        .command("psql")
        .arg("--dbname")
        .arg(url)
        .args(&arguments.rest)
        .exec();
    Err(Failure::io(
        format!("run \"{}\"", runtime.bin.join("psql").display()),
        &error,
    )
    .hint(WAYS_OUT))
}
