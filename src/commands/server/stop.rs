//! `edu server stop`.

use std::time::Instant;

use super::{Tell, Which, cluster, target};
use crate::commands::Invocation;
use crate::failure::{Exit, Result};

/// Stops the project's server cleanly: sessions end, a checkpoint is written. The data stays. It is
/// no failure when none runs.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    which: Which,
}

/// Stops the server.
pub fn run(arguments: &Arguments, invocation: &Invocation) -> Result<Exit> {
    let began = Instant::now();
    let cluster = cluster(
        &target(invocation)?,
        &arguments.which,
        invocation,
        Tell::Nothing,
    )?;
    let result = if cluster.stop(&|progress| invocation.ui.hear(progress))? {
        "stopped"
    } else {
        "was not running"
    };
    invocation.ui.step(
        "server",
        &format!("PostgreSQL {} {result}", cluster.major),
        began.elapsed(),
    );
    Ok(Exit::Done)
}
