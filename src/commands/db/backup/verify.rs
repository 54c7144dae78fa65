//! `edu db backup verify`

use std::path::PathBuf;

use super::{Invocation, Output, Place};
use crate::backup::{Record, restore};
use crate::failure::{Exit, Failure, Result};
use crate::pg::Server;
use crate::server::cluster::SUPERUSER;
use crate::server::ephemeral::Options;
use crate::server::{Ephemeral, Runtime};

/// Restore a backup on a server of its own, and try out what came
///
/// Rows and structure are held against the record; amcheck looks through tables and indexes; every
/// graph and every vector index is asked. The server ends afterwards; no other is touched. Exits
/// with 1 when something is not as it was.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The dump [default: the newest one]
    #[arg(value_name = "FILE")]
    dump: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
    /// The server's major [default: that of the dump]
    #[arg(long, value_name = "N")]
    major: Option<u16>,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// Runs the command.
///
/// # Errors
/// See [`restore::drill`]; those of installing and starting a server.
pub(super) fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let ui = &invocation.ui;
    let report = |progress| ui.hear(progress);
    let dump = match &args.dump {
        Some(path) => path.clone(),
        None => newest(args, invocation)?,
    };
    let record = Record::of(&dump)?;
    let major = args.major.unwrap_or(record.stock.major());
    let needs: Vec<&str> = record
        .stock
        .extensions
        .iter()
        .map(|e| e.name.as_str())
        .collect();
    let runtime = Runtime::ensure(&invocation.environment, major, &needs, &report)?;
    let edu = std::env::current_exe()
        .map_err(|error| Failure::io("find this program's own file", &error))?;
    let own = Ephemeral::start(&runtime, &edu, &Options::default())?;
    let url = own.url(&record.stock.database, SUPERUSER);
    let server = Server::from_url(&url, "a server of its own")?;
    let proof = invocation.block_on(restore::drill(&runtime, &dump, &record, &server, &report))?;
    match args.output {
        Output::Text => {
            for failure in &proof.failures {
                ui.answer(format!("✗ {failure}"));
            }
            ui.answer(format!(
                "{}: {} tables with {} rows, {} tables and indexes checked, {} graphs and {} vector indexes asked: {}",
                dump.display(),
                record.stock.rows.len(),
                record.stock.rows.values().sum::<u64>(),
                proof.checked,
                proof.graphs.len(),
                proof.searches.len(),
                match proof.failures.len() {
                    0 => "all as it was".to_owned(),
                    count => format!("{count} failures"),
                }
            ));
        }
        Output::Json => {
            let answer = serde_json::json!({
                "schema": 1, "dump": dump.display().to_string(), "taken": record.taken, "proof": proof,
            });
            ui.answer(serde_json::to_string_pretty(&answer).unwrap_or_default());
        }
    }
    Ok(if proof.failures.is_empty() {
        Exit::Done
    } else {
        Exit::Findings
    })
}

fn newest(args: &Args, invocation: &Invocation) -> Result<PathBuf> {
    let database = invocation.home()?.manifest.database;
    let dumps = args.place.store(invocation)?.dumps(&database)?;
    dumps
        .into_iter()
        .next()
        .map(|dump| dump.path)
        .ok_or_else(|| {
            Failure::usage(format!("there is no backup of \"{database}\""))
                .hint("Take one (edu db backup), or name a file.")
        })
}
