//! `edu testdb drop`

use super::{Invocation, Target, Wanted, site};
use crate::failure::{Exit, Failure, Result};
use crate::pg::testdb::state::State;
use crate::pg::testdb::sweep::{self, Force};
use crate::testdb::site::UNUSED_MAX;

/// Drop databases that edu testdb made, by name or all of the project's
///
/// Refuses databases without edu's mark, and those that a run works with just now. Templates stay
/// with --all; named, they are dropped too.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// Their names
    #[arg(value_name = "NAME", required_unless_present = "all")]
    names: Vec<String>,
    /// All of this project's that nobody works with, whatever is left of their time
    #[arg(long, conflicts_with = "names")]
    all: bool,
    /// Also those that are in use: their sessions are ended
    #[arg(long)]
    force: bool,
    /// Say what would be dropped, and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// Runs the command.
///
/// # Errors
/// Exit 8 for what is no test database, and for one in use; those before it were dropped.
pub(super) fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let site = site(
        &args.target,
        &Wanted::default(),
        "edu testdb drop",
        invocation,
    )?;
    let force = if args.force { Force::Yes } else { Force::No };
    invocation.block_on(async {
        let mut admin = site.open().await?;
        let scope = site.scope(None, UNUSED_MAX);
        let there = sweep::list(&mut admin, &scope).await?;
        let names: Vec<String> = if args.all {
            let free = |state| args.force || state != State::InUse;
            let clones = there
                .iter()
                .filter(|one| !one.is_template && free(one.state));
            clones.map(|one| one.found.name.clone()).collect()
        } else {
            args.names.clone()
        };
        for name in &names {
            if args.dry_run {
                if there.iter().any(|one| one.found.name == *name) {
                    invocation.ui.answer(format!("would drop {name}"));
                    continue;
                }
                return Err(unknown(name));
            }
            if !sweep::drop_named(&mut admin, &scope, name, force).await? {
                return Err(unknown(name));
            }
            invocation.ui.answer(format!("dropped {name}"));
        }
        if names.is_empty() {
            invocation.ui.answer("nothing to do");
        }
        admin.close().await;
        Ok(Exit::Done)
    })
}

fn unknown(name: &str) -> Failure {
    Failure::usage(format!(
        "there is no test database \"{name}\" on this server"
    ))
    .hint("See which there are: edu testdb list")
}
