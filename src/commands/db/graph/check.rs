//! `edu db graph check`

use super::{Invocation, Output, Target, Waiting, named, report::tell, without_ontology};
use crate::failure::{Exit, Failure, Result};
use crate::pg::graph::check::{self, Scope};
use crate::pg::{Work, session};

/// Look at every vertex and edge: orphan edges, ids, ends, tenants, property schemas, references
///
/// Row security hides rows from everybody but superusers and roles with BYPASSRLS: as another role,
/// look at one tenant with --tenant. What was not looked at is said.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    waiting: Waiting,
    /// Look at one tenant's rows, as the application
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// Look again at what valid constraints have proved already
    #[arg(long)]
    full: bool,
    /// Show what can safely be mended: edges whose start or end is gone can be deleted
    #[arg(long, conflicts_with = "tenant")]
    fix: bool,
    /// With --fix: do it
    #[arg(long, requires = "fix")]
    yes: bool,
    /// How the findings are printed
    #[arg(long, value_name = "FORM", default_value = "text")]
    output: Output,
}

/// Runs the command.
///
/// # Errors
/// See [`check::check`].
pub(super) fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let ui = &invocation.ui;
    let project = invocation.project_for(&args.target)?;
    let Some(ontology) = project.ontology()? else {
        return Ok(without_ontology(invocation));
    };
    let server = invocation.server(&args.target, &project)?;
    let report = |progress| ui.hear(progress);
    let scope = Scope {
        tenant: args.tenant.clone(),
        full: args.full,
    };
    invocation.block_on(async {
        let (mut connection, _) = session::open(&server, "edu db graph check").await?;
        let manifest = &project.manifest;
        let outcome = check::check(&mut connection, manifest, &ontology, &scope, &report).await?;
        if outcome.proved > 0 {
            ui.status(format!(
                "property schemas of {} labels are proved by constraints (--full looks again)",
                outcome.proved
            ));
        }
        let exit = tell(
            invocation,
            args.output,
            &named(&ontology),
            &outcome.findings,
        );
        if !args.fix || outcome.fixes.is_empty() {
            return Ok(exit);
        }
        let rows: u64 = outcome.fixes.iter().map(|(_, rows, _)| rows).sum();
        if !args.yes {
            return Err(Failure::refused(format!(
                "{rows} orphan edges were not deleted without --yes"
            ))
            .hint("To delete them: edu db graph check --fix --yes"));
        }
        let timeout = args.waiting.lock_timeout.into();
        let mut work = Work::begin(&server, "edu db graph check", timeout, &report).await?;
        let deleted = check::fix(&mut work.connection, &outcome).await?;
        work.end().await;
        ui.answer(format!("deleted {deleted} orphan edges"));
        Ok(if outcome.findings.len() == outcome.fixes.len() {
            Exit::Done
        } else {
            exit
        })
    })
}
