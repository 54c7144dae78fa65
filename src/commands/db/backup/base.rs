//! `edu db backup base`

use super::{Invocation, Place, Target};
use crate::backup::base;
use crate::failure::{Exit, Result};
use crate::pg::session;
use crate::server::Runtime;

/// Copy the whole server as it is, for recovery to a moment (edu server recover)
///
/// pg_basebackup, with the WAL it needs, looked through by pg_verifybackup. Keep the WAL from then
/// on: edu server archive DIR.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    place: Place,
}

/// Runs the command.
///
/// # Errors
/// See [`base::take`].
pub(super) fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let ui = &invocation.ui;
    let project = invocation.project_for(&args.target)?;
    let server = invocation.server(&args.target, &project)?;
    let store = args.place.store(invocation)?;
    let report = |progress| ui.hear(progress);
    let major = invocation
        .block_on(session::open(&server, "edu db backup base"))?
        .1
        .major();
    let needs = project.manifest.needs();
    let runtime = Runtime::ensure(&invocation.environment, major, &needs, &report)?;
    let path = invocation.block_on(base::take(&runtime, &server, &store, &report))?;
    ui.answer(path.display().to_string());
    Ok(Exit::Done)
}
