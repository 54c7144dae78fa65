//! `edu db push`

use super::expected::{self, Sources};
use super::{Invocation, Target, Waiting};
use crate::diff::{Severity, compare};
use crate::failure::{Exit, Failure, Result};
use crate::pg::scratch::{self, From};
use crate::pg::{Work, inspect};
use crate::render::script::script;

/// Change a database of your own to what the spec says, at once and without a migration
///
/// For trying things out. Works on the embedded server; on another one only where --unprotected
/// repeats the database's name. Tables and columns that the spec does not have stay.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    waiting: Waiting,
    /// Say that this database of another server may be changed without a migration
    #[arg(long, value_name = "DATABASE")]
    unprotected: Option<String>,
    /// Print the statements, and run none
    #[arg(long)]
    dry_run: bool,
    /// A server to make scratch databases on [default: an embedded one, ended afterwards]
    #[arg(long, value_name = "URL")]
    scratch_url: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// Exit 8 for a database that is not the embedded server's and was not named; exit 5 when a statement
/// fails, and what ran before it stays.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let project = invocation.project()?;
    let sources = Sources::load(&project)?;
    let server = invocation.server(&args.target, &project)?;
    let named = args.unprotected.as_deref() == Some(server.database());
    if !args.dry_run && !named && !invocation.is_embedded(&args.target)? {
        return Err(Failure::refused(format!(
            "{} is not the embedded server's",
            server.place()
        ))
        .detail("push changes a database without a migration and without a way back.")
        .hint(format!(
            "Write a migration (edu db generate), or say that it is yours: --unprotected {}",
            server.database()
        )));
    }
    let hear = |progress| invocation.ui.hear(progress);
    let (count, left) = invocation.block_on(async {
        let timeout = args.waiting.lock_timeout.into();
        let mut work = Work::begin(&server, "edu db push", timeout, &hear).await?;
        let (major, manifest) = (work.identity.major(), &project.manifest);
        let wanted = match expected::committed(&project, &sources, major)? {
            Some(wanted) => wanted,
            None => {
                let (needs, url) = (manifest.needs(), args.scratch_url.as_deref());
                let scratch = expected::scratch_server(invocation, &needs, url, major)?;
                expected::build(&scratch, &project, &sources, From::Spec, &hear).await?
            }
        };
        let found = inspect::of_project(&mut work.connection, manifest, &[]).await?;
        let differences = compare(&wanted, &found);
        let database = crate::catalog::name::quote_ident(server.database());
        let (lines, left) = script(&differences, &wanted, &found, &database, false);
        let mut left: Vec<String> = left
            .iter()
            .map(|d| format!("{}: {}", d.id, d.words()))
            .collect();
        if args.dry_run {
            for line in &lines {
                invocation.ui.answer(format!("{};", line.sql));
            }
        } else {
            let statements: Vec<&str> = lines.iter().map(|line| line.sql.as_str()).collect();
            scratch::apply(&mut work.connection, None, &statements).await?;
            let after = inspect::of_project(&mut work.connection, manifest, &[]).await?;
            left = compare(&wanted, &after)
                .iter()
                .filter(|d| d.severity != Severity::Note)
                .map(|d| format!("{}: {}", d.id, d.words()))
                .collect();
        }
        work.end().await;
        Ok((lines.len(), left))
    })?;
    for left in &left {
        invocation.ui.warn(format!("left to you: {left}"));
    }
    if !args.dry_run {
        invocation.ui.answer(match count {
            0 => "nothing to do".to_owned(),
            count => format!("{count} statements run"),
        });
    }
    Ok(if left.is_empty() {
        Exit::Done
    } else {
        Exit::Findings
    })
}
