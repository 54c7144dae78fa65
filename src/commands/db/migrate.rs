//! `edu db migrate`

use super::{Invocation, Target, Waiting};
use crate::failure::{Exit, Result};
use crate::pg::migrate::{self, Budget, Done, Plan, Stage};
use crate::pg::{Work, session};
use crate::progress::human_time;
use crate::spec::migration;
use crate::sql::duration::Duration;

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
    /// How long one migration may wait for locks in all, in attempts that let others through
    #[arg(long, value_name = "TIME", default_value = "10min")]
    ddl_budget: Duration,
    /// How long one statement may take, unless its file says otherwise [default: without limit]
    #[arg(long, value_name = "TIME")]
    statement_timeout: Option<Duration>,
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
    let migrations = migration::migrations(&project.files("migrations", "sql"))?;
    let server = invocation.server(&args.target, &project)?;
    let report = |progress| invocation.ui.hear(progress);
    let mut context = invocation.context(&project, "edu db migrate");
    context.budget = Budget {
        ddl: args.ddl_budget.into(),
        statement: args.statement_timeout.map(Into::into),
    };
    let plan = Plan {
        migrations: &migrations,
        stage: Stage::Ordinary,
        to: args.to,
        owner: project.manifest.roles.owner.as_deref(),
        context: &context,
    };
    invocation
        .ui
        .status(format!("database: {}", server.place()));
    let done = invocation.block_on_until(&context.cancel, async {
        if args.dry_run {
            let (mut connection, _) = session::open(&server, "edu db migrate").await?;
            for migration in migrate::due(&mut connection, &plan).await? {
                invocation
                    .ui
                    .answer(format!("would apply {}", migration.up.document.path));
            }
            return Ok(Vec::new());
        }
        let timeout = args.waiting.lock_timeout.into();
        let work = Work::begin(&server, "edu db migrate", timeout, &report);
        let mut work = context.cancel.or(work).await?;
        let done = migrate::run(&mut work.connection, &work.lock, &plan, &report).await?;
        work.end().await;
        Ok(done)
    })?;
    tell(&done, invocation);
    Ok(Exit::Done)
}

fn tell(done: &[Done], invocation: &Invocation) {
    for one in done {
        let took = human_time(std::time::Duration::from_millis(one.took_ms));
        invocation
            .ui
            .answer(format!("applied {} in {took}", one.path));
    }
    if done.is_empty() {
        invocation.ui.answer("nothing to do");
    }
}
