//! `edu db repair`

use super::{Invocation, Output, Target, Waiting};
use crate::failure::{Exit, Result};
use crate::pg::Work;
use crate::pg::migrate::journal::{self, Entry, Resolution};
use crate::pg::migrate::look;

/// Show, and resolve, statements of which nobody knows whether they were done
///
/// Only migrations without a transaction can have them. Without a flag nothing is changed.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    waiting: Waiting,
    /// The statement has had its effect: go on behind it
    #[arg(long, value_name = "VERSION:K", value_parser = place)]
    mark_done: Option<(i64, i32)>,
    /// The statement has had no effect: run it again
    #[arg(long, value_name = "VERSION:K", value_parser = place, conflicts_with = "mark_done")]
    retry: Option<(i64, i32)>,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

fn place(text: &str) -> std::result::Result<(i64, i32), String> {
    let malformed = || format!("\"{text}\" is not a place in the journal: write for example 7:2");
    let (version, k) = text.split_once(':').ok_or_else(malformed)?;
    let version = version.trim_start_matches('V').parse();
    match (version, k.parse()) {
        (Ok(version), Ok(k)) => Ok((version, k)),
        _ => Err(malformed()),
    }
}

/// Runs the command. Exit 9 while an entry is open.
///
/// # Errors
/// Exit 2 when there is no such open entry.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let project = invocation.project_for(&args.target)?;
    let server = invocation.server(&args.target, &project)?;
    let report = |progress| invocation.ui.hear(progress);
    let order = match (args.mark_done, args.retry) {
        (Some(place), _) => Some((place, Resolution::MarkDone)),
        (None, Some(place)) => Some((place, Resolution::Retry)),
        (None, None) => None,
    };
    let entries = invocation.block_on(async {
        let Some(((version, k), resolution)) = order else {
            return Ok(look::at(&server, "edu db repair").await?.journal);
        };
        let timeout = args.waiting.lock_timeout.into();
        let mut work = Work::begin(&server, "edu db repair", timeout, &report).await?;
        let owner = project.manifest.roles.owner.as_deref();
        journal::resolve(&mut work.connection, owner, version, k, resolution).await?;
        let journal = look::look(&mut work.connection, false).await?.journal;
        work.end().await;
        Ok(journal)
    })?;
    let open: Vec<Entry> = entries.into_iter().filter(|entry| !entry.done).collect();
    tell(&open, args.output, invocation);
    Ok(if open.is_empty() {
        Exit::Done
    } else {
        Exit::Partial
    })
}

fn tell(open: &[Entry], output: Output, invocation: &Invocation) {
    let ui = &invocation.ui;
    if output == Output::Json {
        ui.answer(
            serde_json::to_string_pretty(&serde_json::json!({ "schema": 1, "open": open }))
                .unwrap_or_default(),
        );
        return;
    }
    for entry in open {
        ui.answer(crate::ui::clean(&format!(
            "V{} statement {} of {}, begun {}: {}",
            entry.version, entry.k, entry.n, entry.started_at, entry.statement
        )));
    }
    match open.first() {
        None => ui.answer("nothing to repair; go on with: edu db migrate"),
        Some(entry) => ui.status(format!(
            "edu db migrate settles what the catalogs can prove. For the rest, look yourself, then:\n  \
             edu db repair --mark-done {0}:{1}   (it was done)\n  edu db repair --retry {0}:{1}       (it was not)",
            entry.version, entry.k
        )),
    }
}
