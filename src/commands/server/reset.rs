//! `edu server reset`.

use std::io::IsTerminal;
use std::time::Instant;

use super::{Tell, Which, cluster, target};
use crate::commands::Invocation;
use crate::failure::{Exit, Failure, Result};
use crate::server::Status;

/// Stops the project's server and deletes its data. Asks for the project's name in a terminal; refuses
/// without one unless --yes is given.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    which: Which,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Deletes the cluster.
pub fn run(arguments: &Arguments, invocation: &Invocation) -> Result<Exit> {
    let began = Instant::now();
    let target = target(invocation)?;
    let cluster = cluster(&target, &arguments.which, invocation, Tell::Nothing)?;
    if cluster.status() == Status::Absent {
        invocation.ui.status(format!(
            "  there is no PostgreSQL {} cluster to delete",
            cluster.major
        ));
        return Ok(Exit::Done);
    }
    if !arguments.yes {
        confirm(
            &target.manifest.name,
            &cluster.data.display().to_string(),
            invocation,
        )?;
    }
    cluster.reset(&|progress| invocation.ui.hear(progress))?;
    invocation.ui.step(
        "server",
        &format!("deleted \"{}\"", cluster.data.display()),
        began.elapsed(),
    );
    Ok(Exit::Done)
}

fn confirm(name: &str, data: &str, invocation: &Invocation) -> Result<()> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(Failure::refused(format!(
            "\"{data}\" was not deleted, because nobody could be asked"
        ))
        .hint("Say so: edu server reset --yes"));
    }
    invocation.ui.warn(format!(
        "this deletes every database in \"{data}\". Type the project's name ({name}) to go on:"
    ));
    let mut line = String::new();
    std::io::stdin()
        .read_line(&mut line)
        .map_err(|e| Failure::io("read the answer", &e))?;
    if line.trim() == name {
        Ok(())
    } else {
        Err(Failure::refused(format!(
            "\"{data}\" was not deleted, because the answer was not \"{name}\""
        )))
    }
}
