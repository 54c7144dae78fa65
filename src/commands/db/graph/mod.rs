//! `edu db graph …`: the graph as its ontology declares it.

mod apply;
mod check;
mod dump;
mod lint;
mod load;
mod query;
mod repair;
mod report;
mod verify;

use clap::Subcommand;

use super::{Invocation, Output, Target, Waiting};
use crate::failure::{Exit, Result};
use crate::spec::ontology::Ontology;

/// Make, verify, check, repair, load, dump and ask the graph of graph/ontology.toml
///
/// Without a subcommand: apply.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
#[group(skip)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    apply: apply::Args,
}

/// The commands under `edu db graph`.
#[derive(Debug, Subcommand)]
enum Command {
    Apply(apply::Args),
    Verify(verify::Args),
    Check(check::Args),
    Repair(repair::Args),
    Query(query::Args),
    Lint(lint::Args),
    Load(load::Args),
    Dump(dump::Args),
}

/// Runs the command.
///
/// # Errors
/// The subcommand's.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    match &args.command {
        None => apply::run(&args.apply, invocation),
        Some(Command::Apply(args)) => apply::run(args, invocation),
        Some(Command::Verify(args)) => verify::run(args, invocation),
        Some(Command::Check(args)) => check::run(args, invocation),
        Some(Command::Repair(args)) => repair::run(args, invocation),
        Some(Command::Query(args)) => query::run(args, invocation),
        Some(Command::Lint(args)) => lint::run(args, invocation),
        Some(Command::Load(args)) => load::run(args, invocation),
        Some(Command::Dump(args)) => dump::run(args, invocation),
    }
}

/// Says that there is nothing to do without an ontology.
fn without_ontology(invocation: &Invocation) -> Exit {
    invocation
        .ui
        .answer("nothing to do: the project has no graph/ontology.toml");
    Exit::Done
}

/// What a graph is called in a sentence.
fn named(ontology: &Ontology) -> String {
    format!("graph \"{}\"", ontology.graph)
}
