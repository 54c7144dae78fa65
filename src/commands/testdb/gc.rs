//! `edu testdb gc`

use std::time::Duration as Time;

use serde::Serialize;

use super::{Invocation, Output, Target, Wanted, json, site, tell};
use crate::failure::{Exit, Result};
use crate::pg::testdb::state::State;
use crate::pg::testdb::sweep::{self, Judged, Swept};
use crate::sql::duration::Duration;

/// How long sessions are waited for whose process may be gone.
const PATIENCE: Time = Time::from_secs(5);

/// Drop what is left over: of killed runs at once, of others when their time is over, and old templates
///
/// A run's database depends on its connection, so it is left over as soon as the run is gone, however
/// it went. create and run do this in passing. Roles are made once per server, by the bootstrap, and
/// stay.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    wanted: Wanted,
    /// Drop templates that the files do not give any more once nobody has asked for them so long
    #[arg(long, value_name = "TIME", default_value = "24h")]
    unused: Duration,
    /// Those of all projects on the server, not of this one alone
    #[arg(long)]
    every_project: bool,
    /// Say what would be dropped, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// The answer for machines.
#[derive(Debug, Serialize)]
struct Answer {
    schema: u32,
    dry_run: bool,
    dropped: Vec<Dropped>,
}

#[derive(Debug, Serialize)]
struct Dropped {
    name: String,
    state: State,
    /// What kept it from being dropped.
    error: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// Exit 7 when the server cannot be reached; exit 1 when something could not be dropped.
pub(super) fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let site = site(&args.target, &args.wanted, "edu testdb gc", invocation)?;
    invocation.block_on(async {
        let mut admin = site.open().await?;
        let current = site.template_name(&mut admin).await?;
        let mut scope = site.scope(Some(current), args.unused.into());
        scope.every_project = args.every_project;
        let dropped = if args.dry_run {
            let there = sweep::list(&mut admin, &scope).await?;
            let left = there.into_iter().filter(|one| one.state.is_left_over());
            left.map(would).collect()
        } else {
            let swept = sweep::sweep(&mut admin, &scope, PATIENCE).await?;
            tell(&swept, invocation);
            swept.iter().map(did).collect::<Vec<_>>()
        };
        admin.close().await;
        let failed = dropped.iter().any(|one| one.error.is_some());
        answer(args, dropped, invocation)?;
        Ok(if failed { Exit::Findings } else { Exit::Done })
    })
}

fn would(one: Judged) -> Dropped {
    Dropped {
        name: one.found.name,
        state: one.state,
        error: None,
    }
}

fn did(one: &Swept) -> Dropped {
    Dropped {
        name: one.name.clone(),
        state: one.state,
        error: one.failure.as_ref().map(ToString::to_string),
    }
}

fn answer(args: &Args, dropped: Vec<Dropped>, invocation: &Invocation) -> Result<()> {
    if args.output == Output::Json {
        return json(
            invocation,
            &Answer {
                schema: 1,
                dry_run: args.dry_run,
                dropped,
            },
        );
    }
    if args.dry_run {
        for one in &dropped {
            invocation
                .ui
                .answer(format!("would drop {} ({})", one.name, one.state));
        }
    }
    let done = dropped.iter().filter(|one| one.error.is_none()).count();
    match (args.dry_run, done) {
        (_, 0) => invocation.ui.answer("nothing is left over"),
        (true, _) => {}
        (false, 1) => invocation.ui.answer("dropped 1 database"),
        (false, done) => invocation.ui.answer(format!("dropped {done} databases")),
    }
    Ok(())
}
