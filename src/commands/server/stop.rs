//! `edu server stop`.

use std::time::Instant;

use super::{Tell, Which, cluster};
use crate::commands::Invocation;
use crate::failure::{Exit, Result};

/// Stop the server cleanly
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    which: Which,
}

/// Stops the server.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let began = Instant::now();
    let cluster = cluster(&invocation.home()?, &args.which, invocation, Tell::Nothing)?;
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
