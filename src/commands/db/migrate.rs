//! `edu db migrate`

use super::{Invocation, Target, Waiting};
use crate::failure::{Exit, Result};
use crate::pg::lock::{Lock, Purpose};
use crate::pg::migrate::{self, Done, Plan, Stage};
use crate::pg::session;
use crate::progress::human_time;
use crate::spec::migration;

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
    let migrations = migration::migrations(&project.files("migrations", "sql"))?;
    let server = invocation.server(&args.target, &project)?;
    let report = |progress| invocation.ui.hear(progress);
    let plan = Plan {
        migrations: &migrations,
        stage: Stage::Ordinary,
        to: args.to,
        owner: project.manifest.roles.owner.as_deref(),
    };
    invocation
        .ui
        .status(format!("database: {}", server.place()));
    let done = invocation.block_on(async {
        if args.dry_run {
            let (mut connection, _) = session::open(&server, "edu db migrate").await?;
            for migration in migrate::due(&mut connection, &plan).await? {
                invocation
                    .ui
                    .answer(format!("would apply {}", migration.up.document.path));
            }
            return Ok(Vec::new());
        }
        let (mut connection, _) = session::open_for_writing(&server, "edu db migrate").await?;
        let lock = Lock::take(
            &server,
            Purpose::Change,
            args.waiting.lock_timeout.into(),
            &report,
        )
        .await?;
        let done = migrate::run(&mut connection, &lock, &plan, &report).await?;
        lock.release().await;
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
