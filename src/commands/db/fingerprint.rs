//! `edu db fingerprint`

use serde::Serialize;

use super::{Invocation, Output, Target};
use crate::catalog::fingerprint::fingerprint;
use crate::failure::{Exit, Result};
use crate::pg::inspect;

/// One word for the database's whole structure: equal exactly when the structure is
///
/// It survives a dump and a restore; rows, statistics and positions do not count.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Debug, Serialize)]
struct Answer<'a> {
    schema: u32,
    database: &'a str,
    major: u16,
    fingerprint: String,
    objects: usize,
    unseen: &'a [String],
}

/// Runs the command.
///
/// # Errors
/// When the catalog cannot be read.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let project = invocation.project_for(&args.target)?;
    let server = invocation.server(&args.target, &project)?;
    let catalog = invocation.block_on(async {
        let mut pair = inspect::Pair::open(&server, "edu db fingerprint").await?;
        pair.of_project(&project.manifest, &[]).await
    })?;
    let fingerprint = fingerprint(&catalog);
    match args.output {
        Output::Text => {
            for unseen in &catalog.unseen {
                invocation.ui.warn(format!("not seen: {unseen}"));
            }
            invocation.ui.answer(fingerprint);
        }
        Output::Json => {
            let answer = Answer {
                schema: 1,
                database: server.database(),
                major: catalog.major,
                fingerprint,
                objects: catalog.objects.len(),
                unseen: &catalog.unseen,
            };
            invocation
                .ui
                .answer(serde_json::to_string_pretty(&answer).unwrap_or_default());
        }
    }
    Ok(Exit::Done)
}
