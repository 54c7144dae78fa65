//! `edu db index rebuild`

use super::{Building, Invocation, Target, Waiting, choose, tell};
use crate::failure::{Exit, Result};
use crate::pg::index::{self, State};
use crate::pg::{Cancel, Work};

/// Replace indexes that are not as declared, with a valid one at every moment
///
/// The new index is built beside the old one, the names are exchanged in one short transaction, and
/// the old one is dropped. Readers and writers go on.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    building: Building,
    /// The indexes to replace [default: those that differ from their declaration]
    #[arg(value_name = "INDEX")]
    names: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// See [`index::rebuild`].
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let ui = &invocation.ui;
    let project = invocation.project_for(&args.target)?;
    let wanted = choose(project.vectors()?.indexes, &args.names)?;
    let server = invocation.server(&args.target, &project)?;
    let report = |progress| ui.hear(progress);
    let cancel = Cancel::default();
    let options = args.building.options(&args.waiting);
    let site = invocation.site(&server, &project.manifest, options, &cancel);
    let outcomes = invocation.block_on_until(&cancel, async {
        let timeout = args.waiting.lock_timeout.into();
        let work = Work::begin_building(&server, "edu db index rebuild", timeout, &report);
        let mut work = cancel.or(work).await?;
        let due = if args.names.is_empty() {
            let found = index::look(&mut work.connection, &site, &wanted).await?;
            wanted
                .iter()
                .zip(&found)
                .filter(|(_, outcome)| outcome.state != State::Good)
                .map(|(index, _)| index.clone())
                .collect()
        } else {
            wanted.clone()
        };
        let outcomes = index::rebuild(&mut work.connection, &site, &due, &report).await;
        work.end().await;
        outcomes
    })?;
    if outcomes.is_empty() {
        ui.answer("nothing to do: every index is as declared");
    }
    Ok(tell(&outcomes, invocation))
}
