//! `edu db index …`: the vector indexes.

mod advise;
mod build;
mod rebuild;
mod status;

use clap::Subcommand;

use super::{Invocation, Output, Target, Waiting};
use crate::failure::{Exit, Failure, Result};
use crate::pg::index::{Outcome, State};
use crate::spec::vectors::VectorIndex;
use crate::sql::duration::Duration;
use crate::sql::size::Size;

/// The vector indexes that spec/vectors.toml declares: build, check, replace
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
#[group(skip)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    build: build::Args,
}

#[derive(Debug, Subcommand)]
enum Command {
    Build(build::Args),
    Status(status::Args),
    Rebuild(rebuild::Args),
    Advise(advise::Args),
}

/// How builds are done.
#[derive(Debug, Clone, clap::Args)]
struct Building {
    /// Memory for each build, for example 2GB [default: what the rows need, as far as the machine has it]
    #[arg(long, value_name = "SIZE")]
    memory: Option<Size>,
    /// Builds at once, on different tables
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    jobs: u32,
    /// Give up a build that waits longer than this for other sessions [default: wait]
    #[arg(long, value_name = "TIME")]
    max_wait: Option<Duration>,
}

/// Runs one of them; `build` when none is named.
///
/// # Errors
/// The command's.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    match &args.command {
        None => build::run(&args.build, invocation),
        Some(Command::Build(args)) => build::run(args, invocation),
        Some(Command::Status(args)) => status::run(args, invocation),
        Some(Command::Rebuild(args)) => rebuild::run(args, invocation),
        Some(Command::Advise(args)) => advise::run(args, invocation),
    }
}

impl Building {
    fn options(&self, waiting: &Waiting) -> crate::pg::index::Options {
        crate::pg::index::Options {
            memory_bytes: self.memory.map(Size::as_bytes),
            jobs: self.jobs,
            max_wait: self.max_wait.map(Into::into),
            lock_timeout: waiting.lock_timeout.into(),
        }
    }
}

/// The declared indexes that `names` choose, in file order; all of them when it is empty. A name may
/// leave its schema out.
fn choose(indexes: Vec<VectorIndex>, names: &[String]) -> Result<Vec<VectorIndex>> {
    for name in names {
        let known = |index: &VectorIndex| answers_to(index, name);
        if !indexes.iter().any(known) {
            let all: Vec<String> = indexes.iter().map(|index| index.name.to_string()).collect();
            return Err(
                Failure::usage(format!("spec/vectors.toml declares no index \"{name}\""))
                    .detail(format!("It declares {}.", all.join(", "))),
            );
        }
    }
    Ok(indexes
        .into_iter()
        .filter(|index| names.is_empty() || names.iter().any(|name| answers_to(index, name)))
        .collect())
}

fn answers_to(index: &VectorIndex, name: &str) -> bool {
    index.name.name == name || index.name.to_string() == name
}

/// Prints one line per index. Exit 1 when one is not as declared.
fn tell(outcomes: &[Outcome], invocation: &Invocation) -> Exit {
    let mut exit = Exit::Done;
    for outcome in outcomes {
        invocation
            .ui
            .answer(format!("{}: {}", outcome.name, outcome.state));
        if matches!(outcome.state, State::Different(_) | State::Invalid) {
            exit = Exit::Findings;
        }
    }
    if exit == Exit::Findings {
        invocation
            .ui
            .status("what differs is replaced without a gap by: edu db index rebuild");
    }
    exit
}
