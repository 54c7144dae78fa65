//! `edu db backup`

use std::time::Duration;

use serde::Serialize;

use super::{Invocation, Output, Place, Target};
use crate::backup::Store;
use crate::backup::store::Dump;
use crate::backup::take::take;
use crate::failure::{Exit, Result};
use crate::pg::session;
use crate::server::Runtime;

/// How it is taken.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    place: Place,
    /// Afterwards delete this database's backups that are older; the newest one always stays
    #[arg(long, value_name = "DAYS", default_value_t = 30,
          value_parser = clap::value_parser!(u32).range(1..=36_500))]
    keep_days: u32,
    /// Say what would be dumped and deleted, and do neither
    #[arg(long)]
    dry_run: bool,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Serialize)]
struct Answer {
    schema: u32,
    dump: String,
    size_bytes: u64,
    sha256: String,
    taken: String,
    tables: usize,
    rows: u64,
    fingerprint: Option<String>,
    deleted: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// See [`take`]. Old backups are deleted after the new one is whole, never before.
pub(super) fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let ui = &invocation.ui;
    let project = invocation.project_for(&args.target)?;
    let server = invocation.server(&args.target, &project)?;
    let store = args.place.store(invocation)?;
    let keep = Duration::from_secs(u64::from(args.keep_days) * 24 * 3600);
    let report = |progress| ui.hear(progress);
    let major = invocation
        .block_on(session::open(&server, "edu db backup"))?
        .1
        .major();
    if args.dry_run {
        ui.answer(format!("would dump {}", server.place()));
        for dump in store.outdated(server.database(), keep)? {
            ui.answer(format!("would delete {}", dump.path.display()));
        }
        return Ok(Exit::Done);
    }
    let runtime = Runtime::ensure(
        &invocation.environment,
        major,
        &project.manifest.needs(),
        &report,
    )?;
    store.sweep();
    let taken = invocation.block_on(take(&runtime, &server, &store, &report))?;
    let deleted = delete(&store, server.database(), keep)?;
    let rows = taken.record.stock.rows.values().sum();
    match args.output {
        Output::Text => {
            ui.answer(format!(
                "{} ({}, {} tables, {rows} rows)",
                taken.path.display(),
                indicatif::HumanBytes(taken.record.size_bytes),
                taken.tables
            ));
            for dump in &deleted {
                ui.status(format!(
                    "deleted {}, older than {} days",
                    dump.path.display(),
                    args.keep_days
                ));
            }
        }
        Output::Json => {
            let answer = Answer {
                schema: 1,
                dump: taken.path.display().to_string(),
                size_bytes: taken.record.size_bytes,
                sha256: taken.record.sha256,
                taken: taken.record.taken,
                tables: taken.tables,
                rows,
                fingerprint: taken.record.stock.fingerprint,
                deleted: deleted
                    .iter()
                    .map(|dump| dump.path.display().to_string())
                    .collect(),
            };
            ui.answer(serde_json::to_string_pretty(&answer).unwrap_or_default());
        }
    }
    Ok(Exit::Done)
}

fn delete(store: &Store, database: &str, keep: Duration) -> Result<Vec<Dump>> {
    let old = store.outdated(database, keep)?;
    for dump in &old {
        store.delete(dump)?;
    }
    Ok(old)
}
