//! `edu db graph apply`

use super::{Invocation, Target, Waiting, without_ontology};
use crate::failure::{Exit, Result};
use crate::graph::Severity;
use crate::pg::graph::{self, Options};
use crate::pg::{Work, session};
use crate::sql::duration::Duration;

/// Make labels, keys, indexes, property checks, privileges and isolation as graph/ontology.toml declares them
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    waiting: Waiting,
    /// How long one statement may wait for a table that is in use
    #[arg(long, value_name = "TIME", default_value = "3s")]
    table_lock_timeout: Duration,
    /// Prove every index that was built on a table with rows (needs extension amcheck)
    #[arg(long)]
    amcheck: bool,
    /// Print the statements that are missing, and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// Runs the command.
///
/// # Errors
/// See [`graph::apply`].
pub(super) fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let ui = &invocation.ui;
    let project = invocation.project_for(&args.target)?;
    let Some(ontology) = project.ontology()? else {
        return Ok(without_ontology(invocation));
    };
    let server = invocation.server(&args.target, &project)?;
    let report = |progress| ui.hear(progress);
    let options = Options {
        table_lock_timeout: args.table_lock_timeout.into(),
        amcheck: args.amcheck,
    };
    invocation.block_on(async {
        if args.dry_run {
            let (mut connection, _) = session::open(&server, "edu db graph").await?;
            let steps = graph::missing(&mut connection, &project.manifest, &ontology).await?;
            steps
                .iter()
                .for_each(|step| ui.answer(format!("-- {}\n{};", step.what, step.sql)));
            return Ok(Exit::Done);
        }
        let timeout = args.waiting.lock_timeout.into();
        let mut work = Work::begin(&server, "edu db graph", timeout, &report).await?;
        let outcome = graph::apply(
            &mut work.connection,
            &project.manifest,
            &ontology,
            options,
            &report,
        )
        .await?;
        work.end().await;
        outcome
            .made
            .iter()
            .for_each(|what| ui.answer(format!("made {what}")));
        let left = outcome
            .left
            .iter()
            .filter(|finding| finding.code.severity > Severity::Note);
        let left: Vec<_> = left.collect();
        for finding in &left {
            ui.warn(format!(
                "{}: {} [{}]",
                finding.object, finding.message, finding.code.id
            ));
        }
        if outcome.made.is_empty() && left.is_empty() {
            ui.answer("nothing to do");
        }
        Ok(if left.is_empty() {
            Exit::Done
        } else {
            Exit::Findings
        })
    })
}
