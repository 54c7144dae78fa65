//! `edu db bootstrap`

use super::{Invocation, Target, Waiting};
use crate::failure::{Exit, Failure, Result};
use crate::pg::bootstrap;
use crate::spec::migration;

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
    let migrations = migration::migrations(&project.files("migrations", "sql"))?;
    if args.print_sql {
        ui.answer(bootstrap::script(&project.manifest, &migrations)?);
        return Ok(Exit::Done);
    }
    let server = invocation.server(&args.target, &project)?;
    let report = |progress| ui.hear(progress);
    let outcome = invocation.block_on(async {
        let mut created = false;
        if !bootstrap::database_exists(&server).await? {
            if !args.create && !invocation.is_embedded(&args.target)? {
                return Err(Failure::new(
                    Exit::Unreachable,
                    format!(
                        "database \"{}\" does not exist (at {})",
                        server.database(),
                        server.place()
                    ),
                )
                .hint("Let edu create it: edu db bootstrap --create"));
            }
            bootstrap::create_database(&server, &report).await?;
            created = true;
        }
        let outcome = bootstrap::run(
            &server,
            &project.manifest,
            &migrations,
            args.waiting.lock_timeout.into(),
            &report,
        )
        .await?;
        Ok(bootstrap::Outcome { created, ..outcome })
    })?;
    ui.answer(outcome.to_string());
    Ok(Exit::Done)
}
