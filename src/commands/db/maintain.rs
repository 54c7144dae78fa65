//! `edu db maintain`

use comfy_table::{Table, presets};
use indicatif::HumanBytes;

use super::{Invocation, Output, Target, Waiting};
use crate::failure::{Exit, Failure, Result};
use crate::pg::Work;
use crate::pg::maintain::{self, Reindex, Relation};

/// Vacuum and analyze every table, rebuild B-trees that hold much air, and show the sizes
///
/// Users go on working: indexes are rebuilt CONCURRENTLY, except on labels of a graph, where that
/// corrupts. Vector indexes are left to `edu db index rebuild`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    waiting: Waiting,
    /// Only these tables, as schema.name [default: all]
    #[arg(long = "table", value_name = "TABLE")]
    tables: Vec<String>,
    /// Which B-trees to rebuild: none, those with much air, or all
    #[arg(long, value_enum, default_value_t = Which::Air)]
    reindex: Which,
    /// From which part on a B-tree of 8 MiB or more holds much air, in per cent
    #[arg(long, value_name = "PERCENT", default_value_t = 40, value_parser = clap::value_parser!(u8).range(1..=99))]
    air: u8,
    /// Print the statements, and run none
    #[arg(long)]
    dry_run: bool,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// Which indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Which {
    /// None.
    Never,
    /// Those with much air.
    Air,
    /// All B-trees.
    All,
}

/// Runs the command. Exit 1 when a step could not be done.
///
/// # Errors
/// Exit 2 for a table that is not there; exit 6 when another run holds the lock.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let ui = &invocation.ui;
    let project = invocation.project_for(&args.target)?;
    let server = invocation.server(&args.target, &project)?;
    let report = |progress| ui.hear(progress);
    let reindex = match args.reindex {
        Which::Never => Reindex::Never,
        Which::Air => Reindex::Air(f64::from(args.air) / 100.0),
        Which::All => Reindex::All,
    };
    let (before, after, undone) = invocation.block_on(async {
        let timeout = args.waiting.lock_timeout.into();
        let mut work = Work::begin(&server, "edu db maintain", timeout, &report).await?;
        let before = chosen(args, maintain::relations(&mut work.connection).await?)?;
        let steps = maintain::steps(&before, reindex);
        if args.dry_run {
            steps
                .iter()
                .for_each(|(sql, _)| ui.answer(format!("{sql};")));
            work.end().await;
            return Ok((Vec::new(), before, Vec::new()));
        }
        let undone = maintain::run(&mut work.connection, &steps, &report).await?;
        let after = chosen(args, maintain::relations(&mut work.connection).await?)?;
        work.end().await;
        Ok((before, after, undone))
    })?;
    if !args.dry_run {
        tell(args, invocation, &before, &after, &undone);
    }
    Ok(if undone.is_empty() {
        Exit::Done
    } else {
        Exit::Findings
    })
}

fn chosen(args: &Args, found: Vec<Relation>) -> Result<Vec<Relation>> {
    for table in &args.tables {
        if !found.iter().any(|one| &one.table == table) {
            return Err(Failure::usage(format!("there is no table \"{table}\""))
                .hint("Write it as schema.name, quoted as in SQL."));
        }
    }
    let all = args.tables.is_empty();
    let wanted = |one: &Relation| all || args.tables.contains(&one.table);
    Ok(found.into_iter().filter(wanted).collect())
}

fn tell(
    args: &Args,
    invocation: &Invocation,
    before: &[Relation],
    after: &[Relation],
    undone: &[String],
) {
    let ui = &invocation.ui;
    if args.output == Output::Json {
        let answer = serde_json::json!({
            "schema": 1, "before": before, "after": after, "undone": undone,
        });
        return ui.answer(serde_json::to_string_pretty(&answer).unwrap_or_default());
    }
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(["", "size", "before", "rows", "dead", "air"]);
    let size = |bytes: i64| HumanBytes(bytes.unsigned_abs()).to_string();
    for one in after
        .iter()
        .filter(|one| !one.index || one.size_bytes >= maintain::AIR_BYTES_MIN)
    {
        let was = before.iter().find(|was| was.name == one.name);
        table.add_row([
            format!("{}{}", if one.index { "  " } else { "" }, one.name),
            size(one.total_bytes),
            was.map_or(String::new(), |was| size(was.total_bytes)),
            if one.index {
                String::new()
            } else {
                one.rows.to_string()
            },
            if one.index {
                String::new()
            } else {
                one.dead.to_string()
            },
            one.air
                .map_or(String::new(), |air| format!("{:.0} %", air * 100.0)),
        ]);
    }
    ui.answer(crate::ui::clean(&table.trim_fmt()));
    for sentence in undone {
        ui.warn(format!("not done: {sentence}"));
    }
    let sum = |all: &[Relation]| {
        all.iter()
            .filter(|one| !one.index)
            .map(|one| one.total_bytes)
            .sum()
    };
    ui.answer(format!(
        "{} tables, {} (before: {})",
        after.iter().filter(|one| !one.index).count(),
        size(sum(after)),
        size(sum(before)),
    ));
}
