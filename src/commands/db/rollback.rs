//! `edu db rollback`

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Invocation, Target, Waiting};
use crate::failure::{Exit, Failure, Result};
use crate::pg::migrate::down::{self, Rollback};
use crate::pg::migrate::draft::history_text;
use crate::pg::migrate::{Budget, history, look};
use crate::pg::{Work, facts, session};
use crate::plan::{Pending, Plan, draw, needed};
use crate::progress::human_time;
use crate::sql::duration::Duration as SqlDuration;
use crate::sql::hazard::{Allowance, Hazard};
use crate::ui::clean;

/// Undo applied migrations with their down files, newest first
///
/// Without --to it undoes the newest one. It asks before rows are lost, and needs --yes without a terminal.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    waiting: Waiting,
    /// The version to go back to, which stays applied; 0 undoes all but the bootstrap
    #[arg(long, value_name = "VERSION")]
    to: Option<i64>,
    /// Say what would be undone and lost, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// How long one file may wait for locks in all; each attempt is far shorter
    #[arg(long, value_name = "TIME", default_value = "10min")]
    ddl_budget: SqlDuration,
    /// How long one statement may take, unless its file says otherwise [default: without limit]
    #[arg(long, value_name = "TIME")]
    statement_timeout: Option<SqlDuration>,
}

/// Runs the command.
///
/// # Errors
/// Those of [`down::chosen`] and [`down::run`]; exit 8 when rows would be lost and nobody said yes.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let project = invocation.project_for(&args.target)?;
    let migrations = project.migrations_to_undo()?;
    let server = invocation.server(&args.target, &project)?;
    let owner = project.manifest.roles.owner.as_deref();
    let graph = project
        .manifest
        .graph
        .as_ref()
        .map(|graph| graph.name.as_str());
    let ui = &invocation.ui;
    let report = |progress| ui.hear(progress);
    let read = async || {
        let (mut connection, _) = session::open(&server, "edu db rollback").await?;
        let applied = history::read(&mut connection).await?;
        let undo = down::chosen(&applied, &migrations, args.to).await?;
        let plan = draft(&mut connection, &applied, &undo, graph).await?;
        let losses = losses(&mut connection, &plan).await?;
        Ok((plan, losses))
    };
    let (before, losses) = invocation.block_on(read())?;
    if before.migrations.is_empty() {
        ui.answer("nothing to do");
        return Ok(Exit::Done);
    }
    if args.dry_run {
        for one in &before.migrations {
            ui.answer(format!("would run {}", one.path));
        }
        losses
            .iter()
            .for_each(|loss| ui.answer(format!("  {}", clean(loss))));
        return Ok(Exit::Done);
    }
    // Nobody waits for the lock while the question stands.
    consent(args, invocation, &before, &losses)?;
    let mut context = invocation.context(&project, "edu db rollback");
    context.budget = Budget {
        ddl: args.ddl_budget.into(),
        statement: args.statement_timeout.map(Into::into),
    };
    invocation.block_on_until(&context.cancel, async {
        let timeout = args.waiting.lock_timeout.into();
        let work = Work::begin(&server, "edu db rollback", timeout, &report);
        let mut work = context.cancel.or(work).await?;
        let look = look::look(&mut work.connection, false).await?;
        let undo = down::chosen(&look.history, &migrations, args.to).await?;
        let now = draft(&mut work.connection, &look.history, &undo, graph).await?;
        if now.made_for != before.made_for {
            return Err(Failure::new(
                Exit::History,
                "the database changed while the rollback was prepared",
            )
            .detail("Nothing was rolled back.")
            .hint("Run the same command again."));
        }
        let rollback = Rollback {
            owner,
            context: &context,
            undo: &undo,
        };
        let Work {
            connection, lock, ..
        } = &mut work;
        let done = down::run(connection, lock, &rollback, &look, &report).await?;
        for one in &done {
            let took = human_time(Duration::from_millis(one.took_ms));
            ui.answer(format!("rolled back {} in {took}", one.path));
        }
        work.end().await;
        Ok(Exit::Done)
    })
}

async fn draft(
    connection: &mut sqlx::postgres::PgConnection,
    applied: &[history::Applied],
    undo: &[down::Undo<'_>],
    graph: Option<&str>,
) -> Result<Plan> {
    let pending: Vec<Pending<'_>> = undo
        .iter()
        .map(|one| Pending::new(one.migration, one.file, false))
        .collect();
    let facts = facts::read(connection, &needed(&pending), graph).await?;
    Ok(draw(&pending, &facts, &history_text(applied)))
}

/// What would be lost or held up, one sentence each, with rows counted.
async fn losses(connection: &mut sqlx::postgres::PgConnection, plan: &Plan) -> Result<Vec<String>> {
    let mut told = Vec::new();
    let mut counted = BTreeSet::new();
    let statements = plan.migrations.iter().flat_map(|migration| {
        let place = |line| format!("{}:{line}", migration.path);
        let all = migration.statements.iter();
        all.flat_map(move |one| {
            one.effects
                .iter()
                .map(move |effect| (place(one.line), effect))
        })
    });
    for (place, effect) in statements {
        for hazard in &effect.hazards {
            if hazard.id.entry().allowance != Allowance::Needed {
                continue;
            }
            let mut line = format!("{place}: {}: {}", hazard.id.id(), hazard.message);
            if let (Hazard::DataLoss, Some(relation)) = (hazard.id, &effect.relation)
                && effect.bytes.is_some()
            {
                if !counted.insert(relation.clone()) {
                    continue;
                }
                match down::count_rows(connection, relation).await? {
                    Some(0) => continue,
                    Some(rows) => line = format!("{line}: {rows} rows now"),
                    None => {}
                }
            }
            told.push(line);
        }
    }
    Ok(told)
}

/// Asks where something would be lost or held up.
fn consent(args: &Args, invocation: &Invocation, plan: &Plan, losses: &[String]) -> Result<()> {
    let refused = plan
        .hazards()
        .find(|(_, _, hazard)| hazard.id.entry().allowance == Allowance::Refused);
    if refused.is_some() {
        return plan.refuse_hazards();
    }
    if losses.is_empty() || args.yes {
        return Ok(());
    }
    let mut failure =
        Failure::refused("the rollback would lose or hold up something, and nobody said yes");
    for loss in losses {
        failure = failure.detail(format!("{loss}."));
    }
    let failure = failure
        .detail("Nothing was rolled back.")
        .hint("Say so: edu db rollback --yes");
    let ui = &invocation.ui;
    if !ui.can_ask() {
        return Err(failure);
    }
    losses.iter().for_each(|loss| ui.warn(loss));
    match ui.ask("type yes to roll back all the same:")?.as_deref() {
        Some("yes") => Ok(()),
        _ => Err(failure),
    }
}
