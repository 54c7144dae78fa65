//! `edu server archive`.

use std::path::PathBuf;
use std::time::Instant;

use super::{Tell, Which, cluster};
use crate::commands::Invocation;
use crate::failure::{Exit, Failure, Result};
use crate::pg::{Server, archive};
use crate::server::cluster::SUPERUSER;
use crate::server::recover::shell;
use crate::server::{Runtime, place};
use crate::sql::duration::Duration;

/// Keep the server's WAL in a folder, so that it can be recovered to any moment since a base backup
///
/// Restarts the server. Nothing in the folder is ever written over.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// The folder; created if need be
    #[arg(value_name = "DIR", required_unless_present = "off")]
    dir: Option<PathBuf>,
    /// How long a change waits at most before it is in the folder
    #[arg(long, value_name = "TIME", default_value = "1h")]
    every: Duration,
    /// Stop keeping WAL
    #[arg(long, conflicts_with = "dir")]
    off: bool,
}

/// Sets the archive and restarts the server.
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
    cluster.start(&runtime, &hear)?;
    let folder = match &args.dir {
        None => None,
        Some(dir) => {
            let path = std::path::absolute(dir)
                .map_err(|e| Failure::io(format!("find \"{}\"", dir.display()), &e))?;
            shell(&path)?;
            place::private_folder(&path, &cluster.account)?;
            Some(path)
        }
    };
    let url = cluster.url("postgres", SUPERUSER)?;
    let server = Server::from_url(&url, "the embedded server")?;
    let into = folder.as_deref().map(shell).transpose()?;
    invocation.block_on(archive::set(&server, into.as_deref(), args.every))?;
    cluster.stop(&hear)?;
    cluster.start(&runtime, &hear)?;
    let what = match &folder {
        Some(folder) => format!("keeps its WAL in \"{}\"", folder.display()),
        None => "keeps its WAL no more".to_owned(),
    };
    invocation.ui.step("server", &what, began.elapsed());
    Ok(Exit::Done)
}
