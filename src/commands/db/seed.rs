//! `edu db seed`

use super::{Invocation, Target, Waiting};
use crate::failure::{Exit, Failure, Result};
use crate::pg::{Work, seed};
use crate::project::Project;

/// Write the seed rows that are missing, through the policies
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    waiting: Waiting,
    /// The folder under seeds/ to take the rows from
    #[arg(long, value_name = "NAME", default_value = "dev")]
    profile: String,
}

/// Runs the command.
///
/// # Errors
/// See [`seed::run`]; exit 2 when the profile does not exist.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let project = invocation.project_for(&args.target)?;
    let rows = project
        .seed(&args.profile)?
        .ok_or_else(|| no_profile(&project, &args.profile))?;
    let server = invocation.server(&args.target, &project)?;
    let report = |progress| invocation.ui.hear(progress);
    let outcome = invocation.block_on(async {
        let mut work = Work::begin(
            &server,
            "edu db seed",
            args.waiting.lock_timeout.into(),
            &report,
        )
        .await?;
        let outcome = seed::run(&mut work.connection, &project.manifest, &rows, &report).await?;
        work.end().await;
        Ok(outcome)
    })?;
    invocation.ui.answer(outcome.to_string());
    Ok(Exit::Done)
}

fn no_profile(project: &Project, name: &str) -> Failure {
    Failure::usage(format!("seed profile \"{name}\" has no files"))
        .detail(format!(
            "Looked for seeds/{name}/*.toml in the project ({}).",
            project.place()
        ))
        .hint("Name an existing folder under seeds/ with --profile.")
}
