//! `edu db migrate`

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Invocation, Target, Waiting};
use crate::failure::{Exit, Failure, Result};
use crate::pg::index::State;
use crate::pg::migrate::{self, Plan, Stage, Tolerance, draft, fingerprint};
use crate::pg::{Server, Work, graph, index, session};
use crate::plan;
use crate::progress::human_time;

/// Apply pending migrations in order, then whatever of graph and vector indexes is missing
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    waiting: Waiting,
    /// The last version to apply [default: all]
    #[arg(long, value_name = "VERSION")]
    to: Option<i64>,
    /// Say what would be applied, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Apply older migrations that were never applied
    #[arg(long)]
    allow_out_of_order: bool,
    /// Record the new checksum of applied files in which only comments, spaces or line ends changed
    #[arg(long)]
    accept_edits: bool,
    /// Run this plan (edu db plan --out) and nothing else: refused when anything moved since
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// See [`migrate::run`]; exit 8 when the next migration needs a superuser.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let project = invocation.project_for(&args.target)?;
    let migrations = project.migrations()?;
    let server = invocation.server(&args.target, &project)?;
    let plan = Plan {
        migrations: &migrations,
        stage: Stage::Ordinary,
        to: args.to,
        owner: project.manifest.roles.owner.as_deref(),
        tolerance: Tolerance {
            out_of_order: args.allow_out_of_order,
        },
    };
    let graph = project
        .manifest
        .graph
        .as_ref()
        .map(|graph| graph.name.as_str());
    let before = args.plan.as_deref().map(read_plan).transpose()?;
    if args.dry_run {
        return invocation.block_on(rehearse(&server, &plan, invocation));
    }
    let (ontology, vectors) = (project.ontology()?, project.vectors()?);
    invocation.block_on(async {
        let ui = &invocation.ui;
        let report = |progress| ui.hear(progress);
        let timeout = args.waiting.lock_timeout.into();
        let mut work = Work::begin(&server, "edu db migrate", timeout, &report).await?;
        if args.accept_edits {
            let Work {
                connection, lock, ..
            } = &mut work;
            for path in fingerprint::accept(connection, lock, plan.owner, &migrations).await? {
                ui.answer(format!("accepted the edited comments or spaces of {path}"));
            }
        }
        guard(&mut work, &plan, graph, before.as_ref(), invocation).await?;
        let done = migrate::run(&mut work.connection, &work.lock, &plan, &report).await?;
        for one in &done {
            let took = human_time(Duration::from_millis(one.took_ms));
            ui.answer(format!("applied {} in {took}", one.path));
        }
        let mut quiet = done.is_empty();
        if migrate::is_complete(&mut work.connection, &plan).await? {
            if let Some(ontology) = &ontology {
                let made = graph::apply(&mut work.connection, &project.manifest, ontology, &report)
                    .await?;
                made.iter()
                    .for_each(|what| ui.answer(format!("made {what}")));
                quiet &= made.is_empty();
            }
            let outcomes =
                index::ensure(&mut work.connection, plan.owner, &vectors.indexes, &report).await?;
            for outcome in outcomes
                .iter()
                .filter(|outcome| outcome.state != State::Good)
            {
                ui.answer(format!("index {}: {}", outcome.name, outcome.state));
                quiet = false;
            }
        }
        work.end().await;
        if quiet {
            ui.answer("nothing to do");
        }
        Ok(Exit::Done)
    })
}

/// Stops a run before its first statement: for a hazard that no file allows, and for a plan that no longer
/// fits. Says loudly what is applied out of order.
async fn guard(
    work: &mut Work,
    inputs: &Plan<'_>,
    graph: Option<&str>,
    before: Option<&plan::Plan>,
    invocation: &Invocation,
) -> Result<()> {
    let due = migrate::due(&mut work.connection, inputs).await?;
    if due.is_empty() && before.is_none() {
        return Ok(());
    }
    let now = draft::draft(&mut work.connection, inputs, graph)
        .await?
        .plan;
    if let Some(before) = before {
        now.refuse_if_moved(before)?;
    }
    now.refuse_hazards()?;
    for late in now.migrations.iter().filter(|one| one.out_of_order) {
        invocation.ui.warn(format!(
            "\"{}\" is applied out of order: newer migrations ran without it",
            late.path
        ));
    }
    Ok(())
}

fn read_plan(file: &Path) -> Result<plan::Plan> {
    let shown = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::io(format!("read \"{shown}\""), &error))?;
    serde_json::from_str(&text).map_err(|error| {
        Failure::usage(format!("\"{shown}\" is not a plan of this edu"))
            .detail(format!("{error}."))
            .hint("Make the plan anew: edu db plan --out plan.json")
    })
}

/// Says what would be applied.
async fn rehearse(server: &Server, plan: &Plan<'_>, invocation: &Invocation) -> Result<Exit> {
    let (mut connection, _) = session::open(server, "edu db migrate").await?;
    let due = migrate::due(&mut connection, plan).await?;
    for migration in &due {
        invocation
            .ui
            .answer(format!("would apply {}", migration.up.document.path));
    }
    if due.is_empty() {
        invocation.ui.answer("nothing to do");
    }
    Ok(Exit::Done)
}
