//! `edu server psql`.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;

use super::{Tell, Which, cluster};
use crate::commands::Invocation;
use crate::failure::{Exit, Failure, Result};
use crate::progress::silent;
use crate::server::cluster::SUPERUSER;
use crate::server::{Runtime, WAYS_OUT};

/// Open psql on the project's database
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// The database [default: the project's]
    #[arg(long, value_name = "NAME")]
    database: Option<String>,
    /// Args for psql
    #[arg(last = true, value_name = "ARGS")]
    rest: Vec<OsString>,
}

/// Becomes psql.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let home = invocation.home()?;
    let cluster = cluster(&home, &args.which, invocation, Tell::Nothing)?;
    let database = args.database.as_deref().unwrap_or(&home.manifest.database);
    let url = cluster.url(database, SUPERUSER)?;
    let needs = home.manifest.needs();
    let runtime = Runtime::find(&invocation.environment, cluster.major, &needs, &silent)?
        .ok_or_else(|| {
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
        .args(&args.rest)
        .exec();
    Err(Failure::io(
        format!("run \"{}\"", runtime.bin.join("psql").display()),
        &error,
    )
    .hint(WAYS_OUT))
}
