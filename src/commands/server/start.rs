//! `edu server start`.

use std::time::Instant;

use super::{Tell, Which, cluster, target};
use crate::commands::Invocation;
use crate::failure::{Exit, Result};
use crate::server::cluster::SUPERUSER;
use crate::server::{Runtime, Start};

/// Starts the project's server and waits until it accepts connections. The first time it installs
/// the programs and creates the cluster in ".edu/server". Prints the URL; a running server is fine.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    which: Which,
}

/// Starts the server.
pub fn run(arguments: &Arguments, invocation: &Invocation) -> Result<Exit> {
    let began = Instant::now();
    let target = target(invocation)?;
    let cluster = cluster(&target, &arguments.which, invocation, Tell::Notes)?;
    let hear = |progress| invocation.ui.hear(progress);
    let runtime = Runtime::ensure(&invocation.environment, cluster.major, &hear)?;
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
        .answer(cluster.url(&target.manifest.database, SUPERUSER)?);
    Ok(Exit::Done)
}
