//! `edu server …`: the embedded server on this machine.

use clap::Subcommand;

use super::Invocation;
use crate::failure::{Exit, Result};

/// The commands under `edu server`.
#[derive(Debug, Subcommand)]
pub enum Command {}

/// Runs one of them.
pub fn run(command: Command, _invocation: &Invocation) -> Result<Exit> {
    match command {}
}
