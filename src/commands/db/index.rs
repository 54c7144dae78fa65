//! `edu db index`

use super::{Invocation, Target, Waiting};
use crate::failure::{Exit, Result};
use crate::pg::index::{self, Outcome, State};
use crate::pg::{Work, session};

/// Build the vector indexes that spec/vectors.toml declares and the database lacks
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    waiting: Waiting,
    /// Say what is missing or different, and do nothing
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
    let wanted = project.vectors()?.indexes;
    if wanted.is_empty() {
        ui.answer("nothing to do: the project declares no vector indexes");
        return Ok(Exit::Done);
    }
    let server = invocation.server(&args.target, &project)?;
    let report = |progress| ui.hear(progress);
    let owner = project.manifest.roles.owner.as_deref();
    let outcomes: Vec<Outcome> = invocation.block_on(async {
        if args.dry_run {
            let (mut connection, _) = session::open(&server, "edu db index").await?;
            return index::look(&mut connection, &wanted).await;
        }
        let mut work = Work::begin(
            &server,
            "edu db index",
            args.waiting.lock_timeout.into(),
            &report,
        )
        .await?;
        let outcomes = index::ensure(&mut work.connection, owner, &wanted, &report).await?;
        work.end().await;
        Ok(outcomes)
    })?;
    for outcome in &outcomes {
        ui.answer(format!("{}: {}", outcome.name, outcome.state));
    }
    let different = outcomes
        .iter()
        .any(|outcome| matches!(outcome.state, State::Different(_)));
    Ok(if different {
        Exit::Findings
    } else {
        Exit::Done
    })
}
