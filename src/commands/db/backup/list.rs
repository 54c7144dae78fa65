//! `edu db backup list`

use super::{Invocation, Output, Place};
use crate::backup::Record;
use crate::failure::{Exit, Result};

/// List the backups, newest first
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    place: Place,
    /// The database [default: the project's]
    #[arg(long, value_name = "NAME")]
    database: Option<String>,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// Runs the command.
///
/// # Errors
/// Exit 2 when the folder cannot be read.
pub(super) fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let ui = &invocation.ui;
    let database = match &args.database {
        Some(name) => name.clone(),
        None => invocation.home()?.manifest.database,
    };
    let dumps = args.place.store(invocation)?.dumps(&database)?;
    let mut records = Vec::new();
    for dump in &dumps {
        match Record::of(&dump.path) {
            Ok(record) => records.push((dump.path.display().to_string(), record)),
            Err(failure) => ui.warn(failure.error),
        }
    }
    match args.output {
        Output::Text if records.is_empty() => ui.answer(format!("no backups of {database}")),
        Output::Text => {
            for (path, record) in &records {
                ui.answer(format!(
                    "{}  {:>10}  {} rows  {path}",
                    record.taken,
                    indicatif::HumanBytes(record.size_bytes).to_string(),
                    record.stock.rows.values().sum::<u64>(),
                ));
            }
        }
        Output::Json => {
            let entries: Vec<serde_json::Value> = records
                .iter()
                .map(|(path, record)| serde_json::json!({ "dump": path, "record": record }))
                .collect();
            let answer = serde_json::json!({ "schema": 1, "backups": entries });
            ui.answer(serde_json::to_string_pretty(&answer).unwrap_or_default());
        }
    }
    Ok(Exit::Done)
}
