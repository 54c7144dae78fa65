//! `edu db graph`

use super::{Invocation, Target, Waiting};
use crate::failure::{Exit, Result};
use crate::pg::{Work, graph, session};

/// Make the graph's labels, keys, property indexes and isolation as graph/ontology.toml declares them
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    waiting: Waiting,
    /// Print the statements that are missing, and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// Runs the command.
///
/// # Errors
/// See [`graph::apply`].
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let ui = &invocation.ui;
    let project = invocation.project_for(&args.target)?;
    let Some(ontology) = project.ontology()? else {
        ui.answer("nothing to do: the project has no graph/ontology.toml");
        return Ok(Exit::Done);
    };
    let server = invocation.server(&args.target, &project)?;
    let report = |progress| ui.hear(progress);
    let made = invocation.block_on(async {
        if args.dry_run {
            let (mut connection, _) = session::open(&server, "edu db graph").await?;
            for step in graph::missing(&mut connection, &project.manifest, &ontology).await? {
                ui.answer(format!("-- {}\n{};", step.what, step.sql));
            }
            return Ok(Vec::new());
        }
        let mut work = Work::begin(
            &server,
            "edu db graph",
            args.waiting.lock_timeout.into(),
            &report,
        )
        .await?;
        let made =
            graph::apply(&mut work.connection, &project.manifest, &ontology, &report).await?;
        work.end().await;
        Ok(made)
    })?;
    for what in &made {
        ui.answer(format!("made {what}"));
    }
    if made.is_empty() && !args.dry_run {
        ui.answer("nothing to do");
    }
    Ok(Exit::Done)
}
