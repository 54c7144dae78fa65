//! `edu image …`: the container image, and the proof that a server is what `edu.toml` wants.

mod build;
mod check;
mod program;
mod told;

use clap::Subcommand;

use super::{Invocation, Output, Target};
use crate::failure::{Exit, Result};

/// The commands under `edu image`.
#[derive(Debug, Subcommand)]
#[expect(
    missing_docs,
    reason = "a command's help is the comment of its arguments"
)]
pub enum Command {
    Build(build::Args),
    Check(check::Args),
}

/// Runs one of them.
///
/// # Errors
/// The command's.
pub fn run(command: Command, invocation: &Invocation) -> Result<Exit> {
    match command {
        Command::Build(args) => build::run(&args, invocation),
        Command::Check(args) => check::run(&args, invocation),
    }
}
