//! `edu server reset`.

use std::time::Instant;

use super::{Tell, Which, cluster};
use crate::commands::Invocation;
use crate::failure::{Exit, Failure, Result};
use crate::server::Status;

/// Stop the server and delete its data
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Deletes the cluster.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let began = Instant::now();
    let home = invocation.home()?;
    let cluster = cluster(&home, &args.which, invocation, Tell::Nothing)?;
    if cluster.status() == Status::Absent {
        invocation.ui.status(format!(
            "  there is no PostgreSQL {} cluster to delete",
            cluster.major
        ));
        return Ok(Exit::Done);
    }
    if !args.yes {
        confirm(
            &home.manifest.name,
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
    let question = format!(
        "this deletes every database in \"{data}\". Type the project's name ({name}) to go on:"
    );
    match invocation.ui.ask(&question)? {
        None => Err(Failure::refused(format!(
            "\"{data}\" was not deleted, because nobody could be asked"
        ))
        .hint("Say so: edu server reset --yes")),
        Some(answer) if answer == name => Ok(()),
        Some(_) => Err(Failure::refused(format!(
            "\"{data}\" was not deleted, because the answer was not \"{name}\""
        ))),
    }
}
