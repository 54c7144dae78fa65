//! `edu server guard`: hidden, started by `server::ephemeral`.

use std::path::PathBuf;

use crate::failure::{Exit, Result};

/// Own one ephemeral server until nobody uses it
#[derive(Debug, clap::Args)]
pub struct Args {
    folder: PathBuf,
}

/// Runs the server and waits.
pub fn run(args: &Args) -> Result<Exit> {
    crate::server::guard::run(&args.folder)?;
    Ok(Exit::Done)
}
