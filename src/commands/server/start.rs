//! `edu server start`.

use std::time::Instant;

use super::{Tell, Which, cluster};
use crate::commands::Invocation;
use crate::failure::{Exit, Result};
use crate::server::cluster::SUPERUSER;
use crate::server::{Runtime, Start};

/// Start the project's server, creating it the first time; prints its URL
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    which: Which,
}

/// Starts the server.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let began = Instant::now();
    let home = invocation.home()?;
    let cluster = cluster(&home, &args.which, invocation, Tell::Notes)?;
    let hear = |progress| invocation.ui.hear(progress);
    let runtime = Runtime::ensure(
        &invocation.environment,
        cluster.major,
        &home.manifest.needs(),
        &hear,
    )?;
    let outcome = cluster.start(&runtime, &hear)?;
    let port = cluster.running()?.port;
    let result = match outcome {
        Start::Already => "already running",
        Start::Started => "started",
        Start::Created => "created and started",
    };
    invocation.ui.step(
        "server",
        &format!("PostgreSQL {} {result}, port {port}", cluster.major),
        began.elapsed(),
    );
    invocation
        .ui
        .answer(cluster.url(&home.manifest.database, SUPERUSER)?);
    Ok(Exit::Done)
}
