//! `edu db …`: what is done to a database.

pub mod bootstrap;
pub mod embed;
pub mod graph;
pub mod index;
pub mod lock;
pub mod migrate;
pub mod repair;
pub mod seed;
pub mod status;

use clap::Subcommand;

use super::{Invocation, Output, Target};
use crate::failure::{Exit, Result};
use crate::sql::duration::Duration;

/// The commands under `edu db`.
#[derive(Debug, Subcommand)]
#[expect(
    missing_docs,
    reason = "a command's help is the comment of its arguments"
)]
pub enum Command {
    Bootstrap(bootstrap::Args),
    Migrate(migrate::Args),
    Status(status::Args),
    Lock(lock::Args),
    Repair(repair::Args),
    Index(index::Args),
    Embed(embed::Args),
    Graph(graph::Args),
    Seed(seed::Args),
}

/// How long to wait for the lock.
#[derive(Debug, Clone, clap::Args)]
pub struct Waiting {
    /// How long to wait for another run to end
    #[arg(long, value_name = "TIME", default_value = "60s")]
    pub lock_timeout: Duration,
}

/// Runs one of them.
///
/// # Errors
/// The command's.
pub fn run(command: Command, invocation: &Invocation) -> Result<Exit> {
    match command {
        Command::Bootstrap(args) => bootstrap::run(&args, invocation),
        Command::Migrate(args) => migrate::run(&args, invocation),
        Command::Status(args) => status::run(&args, invocation),
        Command::Lock(args) => lock::run(&args, invocation),
        Command::Repair(args) => repair::run(&args, invocation),
        Command::Index(args) => index::run(&args, invocation),
        Command::Embed(args) => embed::run(&args, invocation),
        Command::Graph(args) => graph::run(&args, invocation),
        Command::Seed(args) => seed::run(&args, invocation),
    }
}
