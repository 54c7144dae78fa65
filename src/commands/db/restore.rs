//! `edu db restore`

use std::path::PathBuf;

use super::{Invocation, Output, Target};
use crate::backup::{Record, restore};
use crate::failure::{Exit, Failure, Result};
use crate::pg::backup::target::{self, Existing};
use crate::server::Runtime;

/// Bring a backup back as a database, and hold it against what was backed up
///
/// It is restored beside whatever has the name, compared with the record (rows, structure), and gets
/// the name only then. Roles that are missing are created without a password; graphs are mended.
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
    tell(args, invocation, &record, name, old.as_deref(), &restored);
    Ok(Exit::Done)
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

fn tell(
    args: &Args,
    invocation: &Invocation,
    record: &Record,
    name: &str,
    old: Option<&str>,
    (roles, graphs_mended, uncompared): &(Vec<String>, u64, Option<String>),
) {
    let ui = &invocation.ui;
    let rows: u64 = record.stock.rows.values().sum();
    if args.output == Output::Json {
        let answer = serde_json::json!({
            "schema": 1, "database": name, "taken": record.taken, "tables": record.stock.rows.len(), "rows": rows,
            "roles_created": roles, "graphs_mended": graphs_mended, "kept_as": old, "structure_not_compared": uncompared,
        });
        return ui.answer(serde_json::to_string_pretty(&answer).unwrap_or_default());
    }
    for role in roles {
        ui.warn(format!("role \"{role}\" was created, without a password"));
    }
    if let Some(why) = uncompared {
        ui.warn(format!("the structure was not compared: {why}"));
    }
    if let Some(old) = old {
        ui.status(format!("the old database is kept as \"{old}\""));
    }
    ui.answer(format!(
        "restored \"{name}\" as of {}: {} tables, {rows} rows, all as recorded",
        record.taken,
        record.stock.rows.len()
    ));
    ui.status("Hold it against the project: edu db verify");
}
