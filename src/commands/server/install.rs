//! `edu server install`.

use std::time::Instant;

use super::{Which, major_anywhere};
use crate::commands::Invocation;
use crate::failure::{Exit, Result};
use crate::server::Runtime;
use crate::server::runtime::USUAL;

/// Fetch PostgreSQL, AGE and pgvector, unless an installed server has them
///
/// Fetches PostgreSQL, AGE and pgvector from Debian's packages into the cache, with the apt of this
/// machine: no root, no change to the machine. Nothing is fetched when an installed PostgreSQL of
/// the major has AGE and pgvector, or when it was done before.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    which: Which,
}

/// Installs, and prints the folder of the programs.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let began = Instant::now();
    let major = major_anywhere(&args.which, invocation)?;
    let home = invocation.find_home()?;
    let needs = home
        .as_ref()
        .map_or(USUAL.to_vec(), |home| home.manifest.needs());
    let report = |progress| invocation.ui.hear(progress);
    let runtime = Runtime::ensure(&invocation.environment, major, &needs, &report)?;
    invocation.ui.step(
        "install",
        &format!("PostgreSQL {major}: {}", runtime.why),
        began.elapsed(),
    );
    invocation.ui.answer(runtime.bin.display().to_string());
    Ok(Exit::Done)
}
