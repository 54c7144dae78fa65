//! `edu db …`: what is done to a database.

pub(in crate::commands) mod audit;
pub mod backup;
pub mod baseline;
pub mod bootstrap;
pub mod diff;
pub mod embed;
mod expected;
mod findings;
pub mod fingerprint;
pub mod generate;
mod generated;
pub mod graph;
pub mod import_history;
pub mod index;
pub mod introspect;
mod isolation;
pub mod lint;
pub mod lock;
pub mod maintain;
pub mod migrate;
mod pending;
pub mod plan;
pub mod push;
pub mod repair;
pub mod restore;
pub mod rls;
pub mod rollback;
mod scale;
pub mod seed;
pub mod snapshot;
pub mod status;
pub mod top;
pub mod verify;

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
    Plan(plan::Args),
    Rollback(rollback::Args),
    Baseline(baseline::Args),
    ImportHistory(import_history::Args),
    Status(status::Args),
    Lock(lock::Args),
    Repair(repair::Args),
    Index(index::Args),
    Embed(embed::Args),
    Graph(graph::Args),
    Rls(Box<rls::Args>),
    Seed(seed::Args),
    Lint(lint::Args),
    Verify(verify::Args),
    Snapshot(snapshot::Args),
    Diff(diff::Args),
    Generate(generate::Args),
    Push(push::Args),
    Introspect(introspect::Args),
    Fingerprint(fingerprint::Args),
    Backup(backup::Args),
    Restore(restore::Args),
    Maintain(maintain::Args),
    Top(top::Args),
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
        Command::Plan(args) => plan::run(&args, invocation),
        Command::Baseline(args) => baseline::run(&args, invocation),
        Command::ImportHistory(args) => import_history::run(&args, invocation),
        Command::Rollback(args) => rollback::run(&args, invocation),
        Command::Status(args) => status::run(&args, invocation),
        Command::Lock(args) => lock::run(&args, invocation),
        Command::Repair(args) => repair::run(&args, invocation),
        Command::Index(args) => index::run(&args, invocation),
        Command::Embed(args) => embed::run(&args, invocation),
        Command::Graph(args) => graph::run(&args, invocation),
        Command::Rls(args) => rls::run(&args, invocation),
        Command::Seed(args) => seed::run(&args, invocation),
        Command::Lint(args) => lint::run(&args, invocation),
        Command::Verify(args) => verify::run(&args, invocation),
        Command::Snapshot(args) => snapshot::run(&args, invocation),
        Command::Diff(args) => diff::run(&args, invocation),
        Command::Generate(args) => generate::run(&args, invocation),
        Command::Push(args) => push::run(&args, invocation),
        Command::Introspect(args) => introspect::run(&args, invocation),
        Command::Fingerprint(args) => fingerprint::run(&args, invocation),
        Command::Backup(args) => backup::run(&args, invocation),
        Command::Restore(args) => restore::run(&args, invocation),
        Command::Maintain(args) => maintain::run(&args, invocation),
        Command::Top(args) => top::run(&args, invocation),
    }
}
