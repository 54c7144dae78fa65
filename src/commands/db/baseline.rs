//! `edu db baseline`

use super::{Invocation, Target, Waiting};
use crate::failure::{Exit, Failure, Result};
use crate::pg::baseline::{Wanted, prove};
use crate::pg::migrate::adopt::{self, Known};
use crate::pg::migrate::history;
use crate::pg::{Server, Work};
use crate::project::Project;

/// Adopt an existing database: record migrations as applied that it already has
///
/// Applies them to a scratch database first and compares both structures.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The last version that the database already has
    #[arg(value_name = "VERSION")]
    version: i64,
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    waiting: Waiting,
    /// Do not prove that the database has what the migrations give
    #[arg(long, conflicts_with = "scratch_url")]
    unverified: bool,
    /// A server for the scratch database, as a superuser [default: the embedded server]
    #[arg(long, value_name = "URL")]
    scratch_url: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// Exit 2 for a version without a file; exit 3 when the structures differ; exit 4 when history and files
/// contradict each other.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let project = invocation.project_for(&args.target)?;
    let migrations = project.migrations()?;
    if !migrations.iter().any(|one| one.version == args.version) {
        return Err(
            Failure::usage(format!("no migration has version {}", args.version))
                .hint("Give the version of a file in migrations/."),
        );
    }
    let server = invocation.server(&args.target, &project)?;
    let scratch = match args.unverified {
        true => None,
        false => Some(scratch(args, invocation, &project)?),
    };
    let ui = &invocation.ui;
    let report = |progress| ui.hear(progress);
    invocation.block_on(async {
        let timeout = args.waiting.lock_timeout.into();
        let mut work = Work::begin(&server, "edu db baseline", timeout, &report).await?;
        let applied = history::read(&mut work.connection).await?;
        let pending = history::pending(&applied, &migrations).await?;
        let known: Vec<Known<'_>> = pending
            .into_iter()
            .filter(|one| one.version <= args.version)
            .map(|migration| Known {
                migration,
                applied_at: None,
            })
            .collect();
        if known.is_empty() {
            ui.answer("nothing to do");
            work.end().await;
            return Ok(Exit::Done);
        }
        match &scratch {
            Some(scratch) => {
                let wanted = Wanted {
                    manifest: &project.manifest,
                    migrations: &migrations,
                    version: args.version,
                };
                prove(&mut work.connection, scratch, wanted, &report).await?;
            }
            None => ui.warn("nobody proved that the database has what these migrations give"),
        }
        let owner = project.manifest.roles.owner.as_deref();
        adopt::record(
            &mut work.connection,
            &work.lock,
            owner,
            &project.manifest.name,
            &known,
        )
        .await?;
        for one in &known {
            ui.answer(format!(
                "recorded {} as applied",
                one.migration.up.document.path
            ));
        }
        work.end().await;
        Ok(Exit::Done)
    })
}

fn scratch(args: &Args, invocation: &Invocation, project: &Project) -> Result<Server> {
    match &args.scratch_url {
        Some(url) => Server::from_url(url, "--scratch-url"),
        None => Ok(invocation.embedded(project, args.target.major)?.server),
    }
}
