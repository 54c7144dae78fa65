//! `edu db embed …`: another model or dimension for an embedding column.

use std::io::Write;
use std::process::{Command as Process, Stdio};

use clap::Subcommand;

use super::{Invocation, Target, Waiting};
use crate::catalog::name::Name;
use crate::failure::{Exit, Failure, Result};
use crate::pg::embed::{self, Change, Source};
use crate::pg::index::Options;
use crate::pg::{Cancel, Work};
use crate::spec::vectors::{Target as Indexed, VectorIndex};
use crate::sql::duration::Duration;
use crate::sql::size::Size;
use crate::vector::target::TargetType;

/// Change the model or dimension of an embedding column while the application goes on
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Migrate(Migrate),
    /// Undo a change: drop the new column, or give the old one back
    Rollback(Ended),
    /// Drop the old column after a change
    Finish(Ended),
}

/// Which column, and where.
#[derive(Debug, clap::Args)]
struct Ended {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    waiting: Waiting,
    /// The table [default: the one with a declared index on the column]
    #[arg(long, value_name = "SCHEMA.TABLE")]
    table: Option<Name>,
    /// The embedding column
    #[arg(long, value_name = "NAME")]
    column: String,
}

/// Fill a new column in batches, index it, and exchange it with the old one in one short transaction
///
/// It can be broken off and run again at any point: what was done stays. The old column is kept until
/// `edu db embed finish`. Where the new vectors come from is either an SQL expression, or a command:
/// it gets one row per line as JSON, without its vectors, and prints one vector per line as [0.1,0.2].
#[derive(Debug, clap::Args)]
struct Migrate {
    #[command(flatten)]
    which: Ended,
    /// The new type, for example vector(1024)
    #[arg(long, value_name = "TYPE")]
    to: TargetType,
    /// An SQL expression over the table's columns that gives the new vector
    #[arg(
        long,
        value_name = "EXPRESSION",
        required_unless_present = "command",
        conflicts_with = "command"
    )]
    sql: Option<String>,
    /// A shell command that turns rows into vectors
    #[arg(long, value_name = "COMMAND")]
    command: Option<String>,
    /// Rows at a time
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    batch: u32,
    /// How long to leave the server alone between two batches
    #[arg(long, value_name = "TIME", default_value = "50ms")]
    pause: Duration,
    /// Memory for building the index [default: what the rows need, as far as the machine has it]
    #[arg(long, value_name = "SIZE")]
    memory: Option<Size>,
}

/// Runs one of them.
///
/// # Errors
/// See [`embed::migrate`], [`embed::rollback`] and [`embed::finish`].
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    match &args.command {
        Command::Migrate(args) => migrate(args, invocation),
        Command::Rollback(args) => end(args, invocation, "edu db embed rollback"),
        Command::Finish(args) => end(args, invocation, "edu db embed finish"),
    }
}

fn migrate(args: &Migrate, invocation: &Invocation) -> Result<Exit> {
    let ui = &invocation.ui;
    let which = &args.which;
    let project = invocation.project_for(&which.target)?;
    let (table, indexes) = column(which, project.vectors()?.indexes)?;
    let server = invocation.server(&which.target, &project)?;
    let report = |progress| ui.hear(progress);
    let cancel = Cancel::default();
    let options = Options {
        memory_bytes: args.memory.map(Size::as_bytes),
        lock_timeout: which.waiting.lock_timeout.into(),
        ..Options::default()
    };
    let site = invocation.site(&server, &project.manifest, options, &cancel);
    let ask = |rows: &[serde_json::Value]| ask(args.command.as_deref().unwrap_or("true"), rows);
    let change = Change {
        table,
        column: which.column.clone(),
        to: args.to,
        source: match &args.sql {
            Some(expression) => Source::Sql(expression),
            None => Source::Rows(&ask),
        },
        batch: args.batch,
        pause: args.pause.into(),
        indexes,
    };
    let filled = invocation.block_on_until(&cancel, async {
        let timeout = which.waiting.lock_timeout.into();
        let work = Work::begin(&server, "edu db embed migrate", timeout, &report);
        let mut work = cancel.or(work).await?;
        let filled = embed::migrate(&mut work.connection, &site, &change, &report).await;
        work.end().await;
        filled
    })?;
    ui.answer(format!(
        "column {} of {} is {}({}) now; {filled} rows were filled",
        change.column,
        change.table,
        args.to.name(),
        args.to.dims
    ));
    ui.status(
        "the old column is kept: edu db embed finish drops it, edu db embed rollback gives it back\n\
         next: write the new type into the migrations, spec/schema, spec/vectors.toml and edu.toml",
    );
    Ok(Exit::Done)
}

fn end(args: &Ended, invocation: &Invocation, name: &str) -> Result<Exit> {
    let project = invocation.project_for(&args.target)?;
    let (table, indexes) = column(args, project.vectors()?.indexes)?;
    let server = invocation.server(&args.target, &project)?;
    let report = |progress| invocation.ui.hear(progress);
    let cancel = Cancel::default();
    let site = invocation.site(&server, &project.manifest, Options::default(), &cancel);
    let told = invocation.block_on(async {
        let timeout = args.waiting.lock_timeout.into();
        let mut work = Work::begin(&server, name, timeout, &report).await?;
        let connection = &mut work.connection;
        let told = if name.ends_with("finish") {
            embed::finish(connection, &site, &table, &args.column, &report)
                .await
                .map(|()| "the old column was dropped")
        } else {
            embed::rollback(connection, &site, &table, &args.column, &indexes, &report).await
        };
        work.end().await;
        told
    })?;
    invocation.ui.answer(format!("{table}: {told}"));
    Ok(Exit::Done)
}

/// The table that is meant, and the declared indexes on its column.
fn column(args: &Ended, indexes: Vec<VectorIndex>) -> Result<(Name, Vec<VectorIndex>)> {
    let on_column = |index: &&VectorIndex| {
        index.target == Indexed::Column(args.column.clone())
            && args
                .table
                .as_ref()
                .is_none_or(|table| *table == index.table)
    };
    let found: Vec<VectorIndex> = indexes.iter().filter(on_column).cloned().collect();
    let mut tables: Vec<&Name> = found.iter().map(|index| &index.table).collect();
    tables.dedup();
    let table = match (&args.table, tables.as_slice()) {
        (Some(table), _) => table.clone(),
        (None, [table]) => (*table).clone(),
        (None, []) => {
            return Err(Failure::usage(format!(
                "spec/vectors.toml declares no index on a column \"{}\"",
                args.column
            ))
            .hint("Say which table is meant: --table SCHEMA.TABLE"));
        }
        (None, several) => {
            let all: Vec<String> = several.iter().map(ToString::to_string).collect();
            return Err(Failure::usage(format!(
                "a column \"{}\" is indexed in several tables",
                args.column
            ))
            .detail(format!("They are {}.", all.join(", ")))
            .hint("Say which one is meant: --table SCHEMA.TABLE"));
        }
    };
    Ok((table, found))
}

/// Runs the command on some rows: one JSON object per line in, one vector per line out.
fn ask(command: &str, rows: &[serde_json::Value]) -> Result<Vec<String>> {
    let mut child = Process::new("sh")
        .args(["-c", command])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| Failure::io(format!("run \"{command}\""), &error))?;
    let mut input = String::new();
    for row in rows {
        input.push_str(&row.to_string());
        input.push('\n');
    }
    let stdin = child.stdin.take();
    // Written beside the reading: a command that answers line by line would else fill both pipes.
    let writer = std::thread::spawn(move || {
        // A command that does not read to the end says more by its exit code.
        stdin.map(|mut pipe| pipe.write_all(input.as_bytes()))
    });
    let output = child
        .wait_with_output()
        .map_err(|error| Failure::io(format!("run \"{command}\""), &error))?;
    let _ = writer.join();
    if !output.status.success() {
        return Err(
            Failure::usage(format!("\"{command}\" failed: {}", output.status))
                .detail("What was filled before stays.")
                .hint("Mend the command, then run edu again: it goes on where it is."),
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.trim().to_owned())
        .collect())
}
