//! `edu db index`, `edu db index build`

use super::{Building, Invocation, Target, Waiting, choose, tell};
use crate::failure::{Exit, Result};
use crate::pg::index;
use crate::pg::{Cancel, Work, session};

/// Build what is missing and mend what is broken; what differs is told
///
/// An ivfflat index most of whose rows came after it is built anew beside itself.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    building: Building,
    /// Only these indexes [default: all]
    #[arg(long = "only", value_name = "INDEX")]
    names: Vec<String>,
    /// Say what is missing, different or left by an earlier run, and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// Runs the command. Exit 1 when an index differs from its declaration.
///
/// # Errors
/// See [`index::ensure`].
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let ui = &invocation.ui;
    let project = invocation.project_for(&args.target)?;
    let wanted = choose(project.vectors()?.indexes, &args.names)?;
    if wanted.is_empty() {
        ui.answer("nothing to do: the project declares no vector indexes");
        return Ok(Exit::Done);
    }
    let server = invocation.server(&args.target, &project)?;
    let report = |progress| ui.hear(progress);
    let cancel = Cancel::default();
    let options = args.building.options(&args.waiting);
    let site = invocation.site(&server, &project.manifest, options, &cancel);
    let outcomes = invocation.block_on_until(&cancel, async {
        if args.dry_run {
            let (mut connection, _) = session::open(&server, "edu db index").await?;
            let outcomes = index::look(&mut connection, &site, &wanted).await?;
            for line in index::leftovers(&mut connection, &site, &wanted).await? {
                ui.answer(line);
            }
            return Ok(outcomes);
        }
        let timeout = args.waiting.lock_timeout.into();
        let work = Work::begin_building(&server, "edu db index", timeout, &report);
        let mut work = cancel.or(work).await?;
        let connection = &mut work.connection;
        let mut outcomes = index::ensure(connection, &site, &wanted, &report).await?;
        for built in index::after_load(connection, &site, &wanted, &report).await? {
            outcomes
                .iter_mut()
                .filter(|one| one.name == built.name)
                .for_each(|one| one.state = built.state.clone());
        }
        work.end().await;
        Ok(outcomes)
    })?;
    Ok(tell(&outcomes, invocation))
}
