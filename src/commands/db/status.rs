//! `edu db status`

use std::collections::{HashMap, HashSet};

use comfy_table::{Table, presets};
use serde::Serialize;

use super::{Invocation, Output, Target};
use crate::failure::{Exit, Result};
use crate::pg::holder::Holder;
use crate::pg::migrate::history::{self, Applied, Standing};
use crate::pg::migrate::journal::Entry;
use crate::pg::migrate::look::{self, Step};
use crate::progress::human_time;
use crate::ui::one_line;

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
    applied: Vec<Row>,
    pending: Vec<Pending<'a>>,
    /// Statements of which nobody knows whether they were done.
    open: Vec<Entry>,
    /// Who holds the lock.
    holder: Option<Holder>,
    /// The audit trail was looked at: what has no run there was not recorded by one.
    audited: bool,
}

/// An applied migration, and how it came to be, as far as that is known.
#[derive(Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    applied: Applied,
    /// How the file compares with it.
    state: Standing,
    run: Option<Step>,
}

#[derive(Debug, Serialize)]
struct Pending<'a> {
    version: i64,
    name: &'a str,
    path: &'a str,
    needs_superuser: bool,
    /// It is older than the last applied migration.
    out_of_order: bool,
}

/// Runs the command.
///
/// # Errors
/// Exit 4 when history and files contradict each other, after everything was listed.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let project = invocation.project_for(&args.target)?;
    let migrations = project.migrations()?;
    let server = invocation.server(&args.target, &project)?;
    let (look, verdict) = invocation.block_on(async {
        let look = look::at(&server, "edu db status").await?;
        let verdict = history::pending(&look.history, &migrations).await;
        Ok((look, verdict.map(drop)))
    })?;
    let last = look.history.last().map_or(-1, |row| row.version);
    let known: HashSet<i64> = look.history.iter().map(|row| row.version).collect();
    let pending: Vec<Pending<'_>> = migrations
        .iter()
        .filter(|one| !known.contains(&one.version))
        .map(|one| Pending {
            version: one.version,
            name: &one.name,
            path: &one.up.document.path,
            needs_superuser: one.needs_superuser(),
            out_of_order: one.version < last,
        })
        .collect();
    let mut steps: HashMap<i64, Step> = look.steps.into_iter().map(|s| (s.version, s)).collect();
    let rows = look.history.into_iter().map(|applied| {
        Ok(Row {
            state: history::standing(&applied, &migrations)?,
            run: steps.remove(&applied.version),
            applied,
        })
    });
    let applied = rows.collect::<Result<Vec<Row>>>()?;
    let some_pending = !pending.is_empty();
    let status = Status {
        schema: 1,
        database: server.database(),
        applied,
        pending,
        open: look.journal.into_iter().filter(|e| !e.done).collect(),
        holder: look.holder,
        audited: !look.store || look.meta.is_some(),
    };
    match args.output {
        Output::Text => tell(&status, &server.place(), invocation),
        Output::Json => invocation
            .ui
            .answer(serde_json::to_string_pretty(&status).unwrap_or_default()),
    }
    verdict?;
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
        .set_header(["version", "name", "state", "took", "by"]);
    for row in &status.applied {
        let on = &row.applied.applied_on;
        let when = one_line(&on.get(..19).unwrap_or(on).replace('T', " "));
        // Applied by a superuser's script, another tool, or a bootstrap that was killed in between, and no run since.
        let unknown = || (String::new(), "not in the audit trail".to_owned());
        let (took, by) = match &row.run {
            Some(run) => told(run),
            None if status.audited => unknown(),
            None => Default::default(),
        };
        table.add_row([
            row.applied.version.to_string(),
            one_line(&row.applied.name),
            match row.state {
                Standing::Same => format!("applied {when} UTC"),
                state => format!("applied {when} UTC, {}", state.words()),
            },
            took,
            by,
        ]);
    }
    for row in &status.pending {
        let how = match (row.out_of_order, row.needs_superuser) {
            (true, _) => "OUT OF ORDER",
            (false, true) => "pending (edu db bootstrap)",
            (false, false) => "pending",
        };
        table.add_row([row.version.to_string(), row.name.to_owned(), how.to_owned()]);
    }
    ui.status(format!("database: {place}"));
    if !(status.applied.is_empty() && status.pending.is_empty()) {
        ui.answer(crate::ui::clean(&table.trim_fmt()));
    }
    for entry in &status.open {
        ui.answer(crate::ui::clean(&format!(
            "V{} statement {} of {} was begun and its end is not known; next: edu db repair",
            entry.version, entry.k, entry.n
        )));
    }
    if let Some(holder) = &status.holder {
        ui.answer(crate::ui::clean(&format!("lock: {holder}")));
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

/// How long it took, and who ran it from where, with which edu and revision.
fn told(step: &Step) -> (String, String) {
    let took = std::time::Duration::from_millis(step.took_ms.unsigned_abs());
    let revision = step.revision.as_deref().map_or(String::new(), |revision| {
        let dirty = if step.dirty == Some(true) {
            " with changes"
        } else {
            ""
        };
        format!(", at {}{dirty}", revision.get(..8).unwrap_or(revision))
    });
    let by = format!(
        "{} on {}, {}{revision}",
        step.who, step.host, step.application
    );
    match step.outcome.as_str() {
        "found" => (String::new(), one_line(&format!("found applied by {by}"))),
        _ => (human_time(took), one_line(&by)),
    }
}
