//! `edu server …`: the embedded server on this machine.

mod guard;
mod install;
mod logs;
mod psql;
mod reset;
mod start;
mod status;
mod stop;
mod url;

use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::Invocation;
use crate::failure::{Exit, Failure, Result};
use crate::progress::silent;
use crate::server::Cluster;
use crate::spec::document::Document;
use crate::spec::manifest::{MAJORS, Manifest, Server};

/// The commands under `edu server`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Fetch PostgreSQL, AGE and pgvector, unless an installed server has them
    Install(install::Arguments),
    /// Start the project's server, creating it the first time; prints its URL
    Start(start::Arguments),
    /// Stop the project's server cleanly
    Stop(stop::Arguments),
    /// Tell what runs, from which programs and why; exit 0 running, 3 not running
    Status(status::Arguments),
    /// Print the connection URL
    Url(url::Arguments),
    /// Open psql on the project's database
    Psql(psql::Arguments),
    /// Show the server's log
    Logs(logs::Arguments),
    /// Stop the server and delete its data
    Reset(reset::Arguments),
    /// Own one ephemeral server until nobody uses it
    #[command(hide = true)]
    Guard(guard::Arguments),
}

/// Runs one of them.
///
/// # Errors
/// Whatever the command says.
pub fn run(command: Command, invocation: &Invocation) -> Result<Exit> {
    match command {
        Command::Install(arguments) => install::run(&arguments, invocation),
        Command::Start(arguments) => start::run(&arguments, invocation),
        Command::Stop(arguments) => stop::run(&arguments, invocation),
        Command::Status(arguments) => status::run(&arguments, invocation),
        Command::Url(arguments) => url::run(&arguments, invocation),
        Command::Psql(arguments) => psql::run(&arguments, invocation),
        Command::Logs(arguments) => logs::run(&arguments, invocation),
        Command::Reset(arguments) => reset::run(&arguments, invocation),
        Command::Guard(arguments) => guard::run(&arguments),
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

/// The project that a command is about.
struct Target {
    root: PathBuf,
    manifest: Manifest,
}

/// Finds the project: `--project`, else the nearest `edu.toml` upwards.
fn target(invocation: &Invocation) -> Result<Target> {
    find_target(invocation)?.ok_or_else(|| invocation.no_project())
}

fn find_target(invocation: &Invocation) -> Result<Option<Target>> {
    let root = match &invocation.global.project {
        Some(root) => Some(root.clone()),
        None => {
            let here = std::env::current_dir()
                .map_err(|e| Failure::io("find the current directory", &e))?;
            here.ancestors()
                .find(|folder| folder.join("edu.toml").is_file())
                .map(Path::to_path_buf)
        }
    };
    let Some(root) = root else {
        return Ok(None);
    };
    let file = root.join("edu.toml");
    let text = std::fs::read_to_string(&file).map_err(|e| {
        Failure::io(format!("read \"{}\"", file.display()), &e)
            .hint("Name a project's folder: --project DIR")
    })?;
    let manifest = Manifest::read(&Document {
        path: "edu.toml".to_owned(),
        text,
    })?;
    Ok(Some(Target { root, manifest }))
}

/// The cluster that a command is about. `tell` says whether its unusual place is worth a note.
fn cluster(target: &Target, which: &Which, invocation: &Invocation, tell: Tell) -> Result<Cluster> {
    let major = which.major(target.manifest.server.major)?;
    let hear = |progress| invocation.ui.hear(progress);
    let name = &target.manifest.name;
    match tell {
        Tell::Notes => Cluster::locate(&invocation.environment, &target.root, name, major, &hear),
        Tell::Nothing => {
            Cluster::locate(&invocation.environment, &target.root, name, major, &silent)
        }
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
    let project = find_target(invocation)?;
    which.major(project.map_or_else(
        || Server::default().major,
        |target| target.manifest.server.major,
    ))
}
