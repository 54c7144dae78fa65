//! `edu db migrate`

use std::time::Duration;

use super::{Invocation, Target, Waiting};
use crate::failure::{Exit, Result};
use crate::pg::index::State;
use crate::pg::migrate::{self, Plan, Stage};
use crate::pg::{Cancel, Server, Work, graph, index, session};
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
    };
    if args.dry_run {
        return invocation.block_on(rehearse(&server, &plan, invocation));
    }
    let (ontology, vectors) = (project.ontology()?, project.vectors()?);
    let cancel = Cancel::default();
    let options = index::Options {
        lock_timeout: args.waiting.lock_timeout.into(),
        ..index::Options::default()
    };
    let site = invocation.site(&server, &project.manifest, options, &cancel);
    invocation.block_on_guarded(&cancel, async {
        let ui = &invocation.ui;
        let report = |progress| ui.hear(progress);
        let timeout = args.waiting.lock_timeout.into();
        let mut work = Work::begin(&server, "edu db migrate", timeout, &report).await?;
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
                index::ensure(&mut work.connection, &site, &vectors.indexes, &report).await?;
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
