//! `edu db plan`

use std::path::PathBuf;

use super::{Invocation, Output, Target};
use crate::failure::{Exit, Failure, Result};
use crate::pg::migrate::draft::{self, Draft};
use crate::pg::{migrate, session};
use crate::plan::{Doing, Plan, Planned, PlannedEffect, human_bytes};
use crate::sql::hazard::Allowance;
use crate::sql::lock::Blocks;
use crate::ui::clean;

/// What a migration run would do: locks, scans, rewrites, sizes and hazards of each statement
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t)]
    output: Output,
    /// Also write the plan to a file, for edu db migrate --plan
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The last version to apply [default: all]
    #[arg(long, value_name = "VERSION")]
    to: Option<i64>,
    /// Plan older migrations that were never applied, too
    #[arg(long)]
    allow_out_of_order: bool,
}

/// Runs the command.
///
/// # Errors
/// Exit 4 when history and files contradict each other. Exit 1, without a failure, when a hazard would
/// stop the run or an allowance is not needed.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let project = invocation.project_for(&args.target)?;
    let migrations = project.migrations()?;
    let server = invocation.server(&args.target, &project)?;
    let context = invocation.context(&project, "edu db plan");
    let stage = migrate::Stage::Ordinary;
    let inputs = migrate::Plan {
        to: args.to,
        tolerance: migrate::Tolerance {
            out_of_order: args.allow_out_of_order,
        },
        ..migrate::Plan::new(&project.manifest, &migrations, stage, &context)
    };
    let Draft { plan, held_back } = invocation.block_on(async {
        let (mut connection, _) = session::open(&server, "edu db plan").await?;
        draft::draft(&mut connection, &inputs).await
    })?;
    let json = serde_json::to_string_pretty(&plan).unwrap_or_default();
    if let Some(file) = &args.out {
        std::fs::write(file, format!("{json}\n"))
            .map_err(|error| Failure::io(format!("write \"{}\"", file.display()), &error))?;
    }
    match args.output {
        Output::Json => invocation.ui.answer(json),
        Output::Text => tell(&plan, invocation),
    }
    if let Some(path) = held_back {
        invocation.ui.status(format!(
            "not planned: \"{path}\" and what follows needs: edu db bootstrap"
        ));
    }
    let unused = plan
        .migrations
        .iter()
        .any(|one| !one.unused_allowances.is_empty());
    let stops = plan.hazards().any(|(_, _, hazard)| hazard.stops);
    Ok(if unused || stops {
        Exit::Findings
    } else {
        Exit::Done
    })
}

fn tell(plan: &Plan, invocation: &Invocation) {
    let ui = &invocation.ui;
    if plan.migrations.is_empty() {
        ui.answer("nothing to do");
    }
    for migration in &plan.migrations {
        ui.answer(clean(&head(migration)));
        for statement in &migration.statements {
            ui.answer(clean(&format!(
                "  line {}: {}",
                statement.line, statement.text
            )));
            for effect in &statement.effects {
                if let Some(line) = told(effect) {
                    ui.answer(clean(&format!("    {line}")));
                }
                for hazard in &effect.hazards {
                    let entry = hazard.id.entry();
                    let mark = match (&hazard.allowed, entry.allowance) {
                        (Some(reason), _) => format!("allowed: {reason}"),
                        (None, Allowance::NotNeeded) => "a remark".to_owned(),
                        (None, Allowance::Needed) => "STOPS the run".to_owned(),
                        (None, Allowance::Refused) => "STOPS the run, always".to_owned(),
                    };
                    ui.answer(clean(&format!(
                        "    {}: {} [{mark}]",
                        entry.id, hazard.message
                    )));
                    if hazard.stops {
                        ui.answer(format!("      fix: {}", entry.fix));
                    }
                }
            }
        }
        for id in &migration.unused_allowances {
            ui.answer(format!(
                "  finding: allowance {id} is not needed; take the line out"
            ));
        }
    }
}

fn head(migration: &Planned) -> String {
    let how = match migration.transactional {
        true => "one transaction",
        false => "statement by statement, no transaction",
    };
    let role = migration
        .role
        .as_ref()
        .map_or(String::new(), |role| format!(", as {role}"));
    let order = if migration.out_of_order {
        ", OUT OF ORDER"
    } else {
        ""
    };
    format!("{}  ({how}{role}{order})", migration.path)
}

fn told(effect: &PlannedEffect) -> Option<String> {
    let relation = effect.relation.as_ref()?;
    let Some(lock) = effect.lock.filter(|_| effect.bytes.is_some()) else {
        return Some(format!("{} {relation}: new, no one waits", effect.action));
    };
    let blocks = match effect.blocks {
        Blocks::Nobody => "blocks nobody".to_owned(),
        other => format!("blocks {}", other.words()),
    };
    let work = match effect.work {
        Doing::Brief => "",
        Doing::Scan => ", reads every row",
        Doing::Rewrite => ", rewrites the table",
        Doing::Build => ", builds an index",
        Doing::Rows => ", changes rows",
    };
    let size = match (effect.bytes, effect.rows) {
        (Some(0) | None, _) => "empty".to_owned(),
        (Some(bytes), None) => human_bytes(bytes),
        (Some(bytes), Some(rows)) => format!("{}, about {rows} rows", human_bytes(bytes)),
    };
    Some(format!(
        "{} {relation}: {} lock, {blocks}{work} ({size})",
        effect.action,
        lock.name()
    ))
}
