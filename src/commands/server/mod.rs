//! `edu server …`: the embedded server on this machine.

mod archive;
mod guard;
mod install;
mod logs;
mod psql;
mod recover;
mod reset;
mod start;
mod status;
mod stop;
mod url;

use clap::Subcommand;

use super::Invocation;
use crate::failure::{Exit, Failure, Result};
use crate::progress::silent;
use crate::project::Home;
use crate::server::Cluster;
use crate::spec::manifest::{MAJORS, Server};

/// The commands under `edu server`.
#[derive(Debug, Subcommand)]
#[expect(
    missing_docs,
    reason = "a command's help is the comment of its arguments"
)]
pub enum Command {
    Install(install::Args),
    Start(start::Args),
    Stop(stop::Args),
    Status(status::Args),
    Url(url::Args),
    Psql(psql::Args),
    Logs(logs::Args),
    Archive(archive::Args),
    Recover(recover::Args),
    Reset(reset::Args),
    #[command(hide = true)]
    Guard(guard::Args),
}

/// Runs one of them.
///
/// # Errors
/// Whatever the command says.
pub fn run(command: Command, invocation: &Invocation) -> Result<Exit> {
    match command {
        Command::Install(args) => install::run(&args, invocation),
        Command::Start(args) => start::run(&args, invocation),
        Command::Stop(args) => stop::run(&args, invocation),
        Command::Status(args) => status::run(&args, invocation),
        Command::Url(args) => url::run(&args, invocation),
        Command::Psql(args) => psql::run(&args, invocation),
        Command::Logs(args) => logs::run(&args, invocation),
        Command::Archive(args) => archive::run(&args, invocation),
        Command::Recover(args) => recover::run(&args, invocation),
        Command::Reset(args) => reset::run(&args, invocation),
        Command::Guard(args) => guard::run(&args),
    }
}

/// Which server is meant.
#[derive(Debug, clap::Args)]
struct Which {
    /// The PostgreSQL major [default: the project's]
    #[arg(long, value_name = "N")]
    major: Option<u16>,
}

impl Which {
    /// The flag if given, else `default`.
    fn major(&self, default: u16) -> Result<u16> {
        match self.major {
            Some(major) if !MAJORS.contains(&major) => Err(Failure::usage(format!(
                "edu works with PostgreSQL {} to {}, not with {major}",
                MAJORS.start(),
                MAJORS.end()
            ))),
            Some(major) => Ok(major),
            None => Ok(default),
        }
    }
}

/// The cluster that a command is about. `tell` says whether its unusual place is worth a note.
fn cluster(home: &Home, which: &Which, invocation: &Invocation, tell: Tell) -> Result<Cluster> {
    let major = which.major(home.manifest.server.major)?;
    let hear = |progress| invocation.ui.hear(progress);
    let name = &home.manifest.name;
    match tell {
        Tell::Notes => Cluster::locate(&invocation.environment, &home.root, name, major, &hear),
        Tell::Nothing => Cluster::locate(&invocation.environment, &home.root, name, major, &silent),
    }
}

/// Whether a command reports where it keeps things.
#[derive(Clone, Copy)]
enum Tell {
    Notes,
    Nothing,
}

/// The major to install: the flag, else the project's, else edu's default.
fn major_anywhere(which: &Which, invocation: &Invocation) -> Result<u16> {
    let home = invocation.find_home()?;
    which.major(home.map_or_else(
        || Server::default().major,
        |home| home.manifest.server.major,
    ))
}
