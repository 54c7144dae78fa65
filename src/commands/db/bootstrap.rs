//! `edu db bootstrap`

use super::{Invocation, Target, Waiting};
use crate::failure::{Exit, Result};
use crate::pg::bootstrap;

/// Extensions, roles, grants and the empty graph: the one step that needs a superuser
///
/// Runs the migrations marked "-- edu: role superuser" and proves what edu.toml wants. Running it
/// again changes nothing.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    waiting: Waiting,
    /// Create the database if it does not exist
    #[arg(long)]
    create: bool,
    /// Print the statements for a superuser to run, and do nothing
    #[arg(long)]
    print_sql: bool,
}

/// Runs the command.
///
/// # Errors
/// See [`bootstrap::run`].
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let ui = &invocation.ui;
    let project = invocation.project_for(&args.target)?;
    let migrations = project.migrations()?;
    if args.print_sql {
        ui.answer(bootstrap::script(&project.manifest, &migrations)?);
        return Ok(Exit::Done);
    }
    let server = invocation.server(&args.target, &project)?;
    let report = |progress| ui.hear(progress);
    let context = invocation.context(&project, "edu db bootstrap");
    let outcome = invocation.block_on(async {
        let timeout = args.waiting.lock_timeout.into();
        let manifest = &project.manifest;
        if args.create || invocation.is_embedded(&args.target)? {
            bootstrap::create_and_run(&server, manifest, &migrations, &context, timeout, &report)
                .await
        } else {
            bootstrap::run(&server, manifest, &migrations, &context, timeout, &report).await
        }
    })?;
    ui.answer(outcome.to_string());
    Ok(Exit::Done)
}
