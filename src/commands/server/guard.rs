//! `edu server guard`: hidden, started by `server::ephemeral`.

use std::path::PathBuf;

use crate::failure::{Exit, Result};

/// Owns the ephemeral server of a folder until nobody uses it.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    folder: PathBuf,
}

/// Runs the server and waits.
pub fn run(arguments: &Arguments) -> Result<Exit> {
    crate::server::guard::run(&arguments.folder)?;
    Ok(Exit::Done)
}
