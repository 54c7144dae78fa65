//! `edu db graph repair`

use super::{Invocation, Target, Waiting, without_ontology};
use crate::failure::{Exit, Result};
use crate::pg::graph::repair;
use crate::pg::{Work, session};

/// Mend what AGE's catalog says wrongly after a restore, a rename, or a drop without the library
///
/// Shows what it would do; does it with --yes. Vertices and edges are not touched.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    waiting: Waiting,
    /// Do it
    #[arg(long)]
    yes: bool,
}

/// Runs the command.
///
/// # Errors
/// See [`repair::repair`].
pub(super) fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let ui = &invocation.ui;
    let project = invocation.project_for(&args.target)?;
    let Some(ontology) = project.ontology()? else {
        return Ok(without_ontology(invocation));
    };
    let server = invocation.server(&args.target, &project)?;
    let report = |progress| ui.hear(progress);
    invocation.block_on(async {
        if !args.yes {
            let (mut connection, _) = session::open(&server, "edu db graph repair").await?;
            let steps = repair::plan(&mut connection, &project.manifest, &ontology).await?;
            if steps.is_empty() {
                ui.answer("nothing to repair");
                return Ok(Exit::Done);
            }
            for step in &steps {
                ui.answer(format!("-- {}\n{};", step.what, step.sql));
            }
            ui.status("Nothing was changed. To do it: edu db graph repair --yes");
            return Ok(Exit::Findings);
        }
        let timeout = args.waiting.lock_timeout.into();
        let mut work = Work::begin(&server, "edu db graph repair", timeout, &report).await?;
        let steps = repair::plan(&mut work.connection, &project.manifest, &ontology).await?;
        if steps.is_empty() {
            ui.answer("nothing to repair");
        } else {
            repair::repair(&mut work.connection, &work.identity, &steps).await?;
            steps
                .iter()
                .for_each(|step| ui.answer(format!("repaired {}", step.what)));
            ui.status("Sessions that used the graph before have to reconnect.");
        }
        work.end().await;
        Ok(Exit::Done)
    })
}
