//! `edu server recover`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::{Tell, Which, cluster};
use crate::commands::Invocation;
use crate::failure::{Exit, Failure, Result};
use crate::pg::{Server, archive};
use crate::server::cluster::SUPERUSER;
use crate::server::recover::Recovery;
use crate::server::{Cluster, Runtime, Status};

/// Bring the project's server back to a moment: a base backup, and the WAL that was kept since
///
/// The server is stopped, its data moved aside, and the base backup takes its place. When the moment
/// cannot be reached, the old data comes back.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// The base backup (edu db backup base)
    #[arg(value_name = "BASE")]
    base: PathBuf,
    /// The folder with the kept WAL (edu server archive)
    #[arg(long, value_name = "DIR")]
    wal: PathBuf,
    /// The moment, for example "2026-03-02 14:30:00+00" [default: all that was kept]
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Recovers the cluster.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let began = Instant::now();
    let home = invocation.home()?;
    let cluster = cluster(&home, &args.which, invocation, Tell::Nothing)?;
    let hear = |progress| invocation.ui.hear(progress);
    let runtime = Runtime::ensure(
        &invocation.environment,
        cluster.major,
        &home.manifest.needs(),
        &hear,
    )?;
    if !args.yes && cluster.status() != Status::Absent {
        confirm(&home.manifest.name, invocation)?;
    }
    cluster.stop(&hear)?;
    let recovery = Recovery {
        base: &args.base,
        wal: &args.wal,
        until: args.until.as_deref(),
    };
    let old = cluster.prepare_recovery(&recovery, &hear)?;
    let reached = match replay(&cluster, &runtime, invocation) {
        Ok(reached) => reached,
        Err(failure) => {
            return Err(back(
                &cluster,
                &runtime,
                old.as_deref(),
                failure,
                invocation,
            ));
        }
    };
    let reached = reached.map_or("no transaction after the base backup".to_owned(), |at| {
        format!("the last transaction is of {at}")
    });
    invocation
        .ui
        .step("server", &format!("recovered; {reached}"), began.elapsed());
    if let Some(old) = &old {
        invocation.ui.status(format!(
            "  the data from before is kept in \"{}\"; delete it when you need it no more",
            old.display()
        ));
    }
    invocation
        .ui
        .answer(cluster.url(&home.manifest.database, SUPERUSER)?);
    Ok(Exit::Done)
}

fn replay(cluster: &Cluster, runtime: &Runtime, invocation: &Invocation) -> Result<Option<String>> {
    let hear = |progress| invocation.ui.hear(progress);
    cluster.start(runtime, &hear)?;
    let url = cluster.url("postgres", SUPERUSER)?;
    let server = Server::from_url(&url, "the embedded server")?;
    invocation.block_on(archive::promoted(&server, &hear))
}

/// Takes the old data back and words the failure.
fn back(
    cluster: &Cluster,
    runtime: &Runtime,
    old: Option<&Path>,
    failure: Failure,
    invocation: &Invocation,
) -> Failure {
    let hear = |progress| invocation.ui.hear(progress);
    let restored = cluster
        .stop(&hear)
        .and_then(|_| cluster.undo_recovery(old))
        .and_then(|()| match old {
            Some(_) => cluster.start(runtime, &hear).map(drop),
            None => Ok(()),
        });
    let failure = failure.hint(
        "Is the moment before the last kept WAL, and after the base backup? Look at: edu server logs",
    );
    match restored {
        Ok(()) => {
            failure.detail("The recovery was given up; the data from before is in its place.")
        }
        Err(second) => failure.detail(format!("And the old data could not be put back: {second}.")),
    }
}

fn confirm(name: &str, invocation: &Invocation) -> Result<()> {
    let question = format!(
        "this puts a base backup in the place of every database of \"{name}\", and keeps the old data aside. Type yes to go on:"
    );
    match invocation.ui.ask(&question)?.as_deref() {
        Some("yes") => Ok(()),
        Some(_) => Err(Failure::refused(
            "nothing was recovered, because the answer was not \"yes\"",
        )),
        None => Err(
            Failure::refused("nothing was recovered, because nobody could be asked")
                .hint("Say so: --yes"),
        ),
    }
}
