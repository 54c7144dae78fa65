//! `edu db status`

use comfy_table::{Table, presets};
use serde::Serialize;

use super::{Invocation, Output, Target};
use crate::failure::{Exit, Result};
use crate::pg::migrate::history::{self, Applied};
use crate::pg::session;

/// Which migrations are applied, and which are pending
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t)]
    output: Output,
    /// Exit with 3 when migrations are pending
    #[arg(long)]
    exit_code: bool,
}

/// The answer for machines.
#[derive(Debug, Serialize)]
struct Status<'a> {
    schema: u32,
    database: &'a str,
    applied: Vec<Applied>,
    pending: Vec<Pending<'a>>,
}

#[derive(Debug, Serialize)]
struct Pending<'a> {
    version: i64,
    name: &'a str,
    path: &'a str,
    needs_superuser: bool,
}

/// Runs the command.
///
/// # Errors
/// Exit 4 when history and files contradict each other.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let project = invocation.project_for(&args.target)?;
    let migrations = project.migrations()?;
    let server = invocation.server(&args.target, &project)?;
    let (applied, pending) = invocation.block_on(async {
        let (mut connection, _) = session::open(&server, "edu db status").await?;
        let applied = history::read(&mut connection).await?;
        let pending = history::pending(&applied, &migrations).await?;
        Ok((applied, pending))
    })?;
    let some_pending = !pending.is_empty();
    let pending = pending
        .iter()
        .map(|m| Pending {
            version: m.version,
            name: &m.name,
            path: &m.up.document.path,
            needs_superuser: m.needs_superuser(),
        })
        .collect();
    let status = Status {
        schema: 1,
        database: server.database(),
        applied,
        pending,
    };
    match args.output {
        Output::Text => tell(&status, &server.place(), invocation),
        Output::Json => invocation
            .ui
            .answer(serde_json::to_string_pretty(&status).unwrap_or_default()),
    }
    Ok(if some_pending && args.exit_code {
        Exit::Drift
    } else {
        Exit::Done
    })
}

fn tell(status: &Status<'_>, place: &str, invocation: &Invocation) {
    let ui = &invocation.ui;
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(["version", "name", "state"]);
    for row in &status.applied {
        let when = row
            .applied_on
            .get(..19)
            .unwrap_or(&row.applied_on)
            .replace('T', " ");
        table.add_row([
            row.version.to_string(),
            row.name.clone(),
            format!("applied {when} UTC"),
        ]);
    }
    for row in &status.pending {
        let how = if row.needs_superuser {
            "pending (edu db bootstrap)"
        } else {
            "pending"
        };
        table.add_row([row.version.to_string(), row.name.to_owned(), how.to_owned()]);
    }
    ui.status(format!("database: {place}"));
    if !(status.applied.is_empty() && status.pending.is_empty()) {
        ui.answer(crate::ui::clean(&table.trim_fmt()));
    }
    match status.pending.as_slice() {
        [] => ui.answer(format!("{} applied, nothing pending", status.applied.len())),
        pending => ui.answer(format!(
            "{} applied, {} pending; next: {}",
            status.applied.len(),
            pending.len(),
            if pending[0].needs_superuser {
                "edu db bootstrap"
            } else {
                "edu db migrate"
            }
        )),
    }
}
