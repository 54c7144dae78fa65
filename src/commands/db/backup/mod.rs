//! `edu db backup …`

mod base;
mod list;
mod take;
mod verify;

use std::path::PathBuf;

use clap::Subcommand;

use super::{Invocation, Output, Target};
use crate::backup::Store;
use crate::failure::{Exit, Failure, Result};

/// Back the database up into a file that is known to be whole, and say what it held
///
/// pg_dump's custom format, and beside it a record: rows per table as of the dump's snapshot, the
/// structure's fingerprint, roles, settings, extensions. The file has its name only after pg_dump
/// ended well and pg_restore could read it. Needs a role that sees all rows: a superuser or BYPASSRLS.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
#[group(skip)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    take: take::Args,
}

/// The commands under `edu db backup`.
#[derive(Debug, Subcommand)]
enum Command {
    Base(base::Args),
    List(list::Args),
    Verify(verify::Args),
}

/// Runs the command.
///
/// # Errors
/// The subcommand's.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    match &args.command {
        None => take::run(&args.take, invocation),
        Some(Command::Base(args)) => base::run(args, invocation),
        Some(Command::List(args)) => list::run(args, invocation),
        Some(Command::Verify(args)) => verify::run(args, invocation),
    }
}

/// Where backups lie.
#[derive(Debug, Clone, clap::Args)]
struct Place {
    /// The folder with the backups [default: .edu/backups in the project]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Place {
    fn store(&self, invocation: &Invocation) -> Result<Store> {
        if let Some(dir) = &self.dir {
            return Ok(Store::at(dir));
        }
        match invocation.find_home()? {
            Some(home) => Ok(Store::at(&home.root.join(".edu/backups"))),
            None => Err(Failure::usage("there is no folder for backups")
                .detail("Without a project's folder nothing says where they lie.")
                .hint("Give --dir DIR.")),
        }
    }
}
