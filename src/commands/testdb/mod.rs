//! `edu testdb …`: databases for tests.

mod child;
mod create;
mod drop;
mod gc;
mod list;
mod run;

use clap::Subcommand;

use super::{Invocation, Output, Target};
use crate::failure::{Exit, Failure, Result};
use crate::pg::testdb::admin::Path;
use crate::pg::testdb::sweep::Swept;
use crate::testdb::{Seeds, Site};

/// The commands under `edu testdb`.
#[derive(Debug, Subcommand)]
#[expect(
    missing_docs,
    reason = "a command's help is the comment of its arguments"
)]
pub enum Command {
    Run(run::Args),
    Create(create::Args),
    List(list::Args),
    Drop(drop::Args),
    Gc(gc::Args),
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// edu did its work.
    Edu(Exit),
    /// The command that edu ran ended with this code.
    Command(u8),
}

/// Runs one of them.
///
/// # Errors
/// The command's.
pub fn run(command: Command, invocation: &Invocation) -> Result<Ended> {
    match command {
        Command::Run(args) => return run::run(&args, invocation).map(Ended::Command),
        Command::Create(args) => create::run(&args, invocation),
        Command::List(args) => list::run(&args, invocation),
        Command::Drop(args) => drop::run(&args, invocation),
        Command::Gc(args) => gc::run(&args, invocation),
    }
    .map(Ended::Edu)
}

/// What the databases are copies of.
#[derive(Debug, Clone, Default, clap::Args)]
struct Wanted {
    /// The folder under seeds/ to take rows from [default: dev, if there is one]
    #[arg(long, value_name = "NAME", help_heading = "Database")]
    profile: Option<String>,
    /// Write no seed rows
    #[arg(long, conflicts_with = "profile", help_heading = "Database")]
    no_seed: bool,
}

impl Wanted {
    fn seeds(&self) -> Seeds {
        match &self.profile {
            Some(name) => Seeds::Profile(name.clone()),
            None if self.no_seed => Seeds::None,
            None => Seeds::Default,
        }
    }
}

/// The project and the server that a command works with. `what` says for others what it is for.
fn site(target: &Target, wanted: &Wanted, what: &str, invocation: &Invocation) -> Result<Site> {
    let project = invocation.project_for(target)?;
    let (server, path) = match invocation.named_server(target)? {
        Some(server) => (server, Path::Unknown),
        None => (
            invocation.embedded(&project, target.major)?.server,
            Path::Direct,
        ),
    };
    invocation.ui.detail(format!(
        "server: {} (from {})",
        server.place(),
        server.source
    ));
    Site::new(
        &invocation.environment,
        project,
        server,
        path,
        wanted.seeds(),
        what,
    )
}

/// Says what was swept up, and what could not be.
fn tell(swept: &[Swept], invocation: &Invocation) {
    for one in swept {
        match &one.failure {
            None => invocation
                .ui
                .status(format!("dropped {} ({})", one.name, one.state)),
            Some(failure) => invocation.ui.warn(format!(
                "{} is {} and could not be dropped: {failure}",
                one.name, one.state
            )),
        }
    }
}

/// A positive number of something.
fn positive(text: &str) -> std::result::Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("give a whole number from 1".to_owned()),
        Ok(number) => Ok(number),
    }
}

/// A moment as people write it.
fn moment(seconds: i64) -> String {
    let format = time::format_description::well_known::Rfc3339;
    time::OffsetDateTime::from_unix_timestamp(seconds)
        .ok()
        .and_then(|moment| moment.format(&format).ok())
        .unwrap_or_default()
}

/// Prints an answer for machines.
fn json(invocation: &Invocation, answer: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(answer)
        .map_err(|error| Failure::bug(format!("could not write JSON: {error}")))?;
    invocation.ui.answer(text);
    Ok(())
}
