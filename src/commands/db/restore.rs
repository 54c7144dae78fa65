//! `edu db restore`

use std::path::PathBuf;

use super::audit::{Audit, Depth, Part, Whole};
use super::{Invocation, Output, Target};
use crate::backup::{Record, restore};
use crate::failure::{Exit, Failure, Result};
use crate::pg::Server;
use crate::pg::backup::target::{self, Existing};
use crate::project::Project;
use crate::report::{Format, render};
use crate::server::Runtime;

/// Bring a backup back as a database, and hold it against what was backed up
///
/// It is restored beside whatever has the name, compared with the record (rows, structure), and gets
/// the name only then. Roles that are missing are created without a password; graphs are mended. At the
/// end it is held against the project, as edu db verify does: exit 3 when it differs from the files.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The dump; its record NAME.dump.json lies beside it
    #[arg(value_name = "FILE")]
    dump: PathBuf,
    #[command(flatten)]
    target: Target,
    /// The database's name [default: the one that was backed up]
    #[arg(long, value_name = "NAME")]
    to: Option<String>,
    /// Take the place of a database of that name; the old one is kept under another name
    #[arg(long)]
    replace: bool,
    /// End the sessions of the database whose place is taken
    #[arg(long, requires = "replace")]
    disconnect: bool,
    /// Leave the comparison with the project's files out
    #[arg(long)]
    no_verify: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// Runs the command.
///
/// # Errors
/// Exit 8 when the database is there and --replace was not given; see [`restore::restore`].
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let ui = &invocation.ui;
    let report = |progress| ui.hear(progress);
    let record = Record::of(&args.dump)?;
    let project = invocation.project_for(&args.target)?;
    let name = args.to.as_ref().unwrap_or(&record.stock.database);
    let wanted = invocation
        .server(&args.target, &project)?
        .with_database(name);
    let (existing, major) = invocation.block_on(async {
        let mut target = target::Target::prepare(&wanted).await?;
        Ok((target.existing().await?, target.identity.major()))
    })?;
    refuse(args, name, &existing)?;
    if args.dry_run {
        let rows: u64 = record.stock.rows.values().sum();
        ui.answer(format!(
            "would restore {} tables with {rows} rows, taken {}, as {}",
            record.stock.rows.len(),
            record.taken,
            wanted.place()
        ));
        if existing != Existing::None {
            ui.answer("would keep the database of that name under another one");
        }
        return Ok(Exit::Done);
    }
    let runtime = Runtime::ensure(
        &invocation.environment,
        major,
        &project.manifest.needs(),
        &report,
    )?;
    let (old, restored) = invocation.block_on(async {
        let mut restored =
            restore::restore(&runtime, &args.dump, &record, &wanted, &report).await?;
        if !restored.differences.is_empty() {
            return Err(restore::lost(&restored));
        }
        let told = (
            std::mem::take(&mut restored.roles),
            restored.graphs_mended,
            restored.uncompared.take(),
        );
        let old = restored.target.finish(args.disconnect).await?;
        Ok((old, told))
    })?;
    let outcome = Outcome {
        record: &record,
        name,
        old,
        restored,
    };
    tell(args, invocation, &project, &wanted, &outcome)
}

/// What a restore did.
struct Outcome<'a> {
    record: &'a Record,
    name: &'a str,
    old: Option<String>,
    /// Roles that were created, graphs that were mended, why the structure was not compared.
    restored: (Vec<String>, u64, Option<String>),
}

fn refuse(args: &Args, name: &str, existing: &Existing) -> Result<()> {
    match existing {
        Existing::Database(_) if !args.replace => Err(Failure::refused(format!(
            "a database \"{name}\" is there already"
        ))
        .detail("Nothing was changed.")
        .hint("Restore beside it (--to NAME), or let it take its place: --replace")),
        Existing::Database(sessions) if *sessions > 0 && !args.disconnect => Err(Failure::refused(
            format!("{sessions} sessions use the database \"{name}\""),
        )
        .detail("Its place cannot be taken meanwhile. Nothing was changed.")
        .hint("End them, or let edu do it: --disconnect")),
        _ => Ok(()),
    }
}

/// Tells what was done, then whether the database is what the project's files say.
fn tell(
    args: &Args,
    invocation: &Invocation,
    project: &Project,
    server: &Server,
    outcome: &Outcome<'_>,
) -> Result<Exit> {
    let ui = &invocation.ui;
    if args.output == Output::Text {
        say(invocation, outcome);
    }
    let verdict = match args.no_verify {
        true => None,
        false => Some(verify(invocation, project, server, outcome.name)?),
    };
    let exit = verdict.as_ref().map_or(Exit::Done, |(_, exit)| *exit);
    if args.output == Output::Json {
        let report = match &verdict {
            Some((report, _)) => render(report, Format::Json)?,
            None => "null".to_owned(),
        };
        let report: serde_json::Value = serde_json::from_str(&report).unwrap_or_default();
        let (roles, graphs_mended, uncompared) = &outcome.restored;
        let stock = &outcome.record.stock;
        let answer = serde_json::json!({
            "schema": 1, "database": outcome.name, "taken": outcome.record.taken, "tables": stock.rows.len(),
            "rows": stock.rows.values().sum::<u64>(), "roles_created": roles, "graphs_mended": graphs_mended,
            "kept_as": outcome.old, "structure_not_compared": uncompared, "verify": report,
        });
        ui.answer(serde_json::to_string_pretty(&answer).unwrap_or_default());
    } else if let Some((report, _)) = &verdict {
        ui.answer(crate::ui::clean(&render(report, Format::Text)?));
    }
    if exit != Exit::Done {
        ui.status(format!(
            "\"{}\" is there, with every row of the backup; only the project's files say otherwise",
            outcome.name
        ));
    }
    Ok(exit)
}

fn say(invocation: &Invocation, outcome: &Outcome<'_>) {
    let ui = &invocation.ui;
    let (roles, _, uncompared) = &outcome.restored;
    for role in roles {
        ui.warn(format!("role \"{role}\" was created, without a password"));
    }
    if let Some(why) = uncompared {
        ui.warn(format!("the structure was not compared: {why}"));
    }
    if let Some(old) = &outcome.old {
        ui.status(format!("the old database is kept as \"{old}\""));
    }
    let stock = &outcome.record.stock;
    ui.answer(format!(
        "restored \"{}\" as of {}: {} tables, {} rows, all as recorded",
        outcome.name,
        outcome.record.taken,
        stock.rows.len(),
        stock.rows.values().sum::<u64>(),
    ));
}

/// What `edu db verify` says of the restored database.
fn verify(
    invocation: &Invocation,
    project: &Project,
    server: &Server,
    name: &str,
) -> Result<(crate::finding::Findings, Exit)> {
    let audit = Audit {
        invocation,
        project,
        server,
        parts: Part::ALL.into(),
        depth: Depth::Whole(Whole {
            fresh: false,
            scratch_url: None,
            strict_coverage: false,
        }),
    };
    let verdict = audit.run().map_err(|failure| {
        failure
            .detail(format!(
                "\"{name}\" is restored, with every row of the backup; it could not be held against the project."
            ))
            .hint("Once that is mended: edu db verify")
    })?;
    Ok((verdict.report, verdict.exit))
}
