//! `edu testdb run`

use std::ffi::OsString;

use tokio::process::{Child, Command};

use super::child::{self, Outcome, Signals};
use super::{Invocation, Target, Wanted, site, tell};
use crate::failure::{Failure, Result};
use crate::pg::connect::Secret;
use crate::pg::testdb::Held;
use crate::pg::{Cancel, Server};
use crate::progress::human_time;
use crate::server::Ephemeral;
use crate::sql::duration::Duration;
use crate::testdb::site::{seconds, told};
use crate::testdb::{Site, own};

/// How long a server of the command's own may take to end.
const END_MAX: std::time::Duration = std::time::Duration::from_secs(10);

/// Run a command with DATABASE_URL set to a database of its own: migrated, seeded, verified
///
/// The database is a copy of a template that is built once per state of the project's files and
/// verified then: its copies are the same bytes. The command's exit code becomes edu's. The database
/// is dropped when the command succeeds or is interrupted; when it fails, it is kept for a while and
/// named. Should edu itself be killed, the next create, run or gc drops it.
///
/// Beside DATABASE_URL the command gets EDU_DATABASE_URL, PGHOST, PGPORT, PGUSER and PGDATABASE (and
/// PGPASSWORD where the URL has a password), so that psql and its kin go there too.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    wanted: Wanted,
    /// On a server of its own, for what changes roles or settings: a copy of a stopped one, on tmpfs
    /// where there is one. It ends with the command, whatever became of it
    #[arg(long, conflicts_with_all = ["url", "keep"], help_heading = "Database")]
    own_server: bool,
    /// How long the database is kept when the command fails; 0s drops it
    #[arg(long, value_name = "TIME", default_value = "1h")]
    keep: Duration,
    /// The login in DATABASE_URL [default: the one that makes the database]
    #[arg(long = "as", value_name = "ROLE")]
    login: Option<String>,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Runs the command. Shape: its exit code.
///
/// # Errors
/// Those of making the database; exit 2 when the command cannot be started. Nothing is left behind.
pub(super) fn run(args: &Args, invocation: &Invocation) -> Result<u8> {
    let words: Vec<_> = args
        .command
        .iter()
        .map(|word| word.to_string_lossy())
        .collect();
    let place = if args.own_server {
        own(args, invocation)?
    } else {
        let site = site(&args.target, &args.wanted, &words.join(" "), invocation)?;
        Place::Shared(Box::new(site))
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::io("start the runtime", &error))?;
    runtime.block_on(async {
        let mut signals = Signals::listen()?;
        let site = match place {
            Place::Shared(site) => site,
            Place::Own(server, database) => {
                let mut child = start(args, &database, invocation)?;
                let outcome = child::wait(&mut child, &mut signals, async || {}).await?;
                server.end(END_MAX);
                return Ok(outcome.code);
            }
        };
        let (mut held, current) = held(&site, &mut signals, invocation).await?;
        let mut child = match start(args, &held.server, invocation) {
            Ok(child) => child,
            Err(failure) => {
                held.drop_it().await?;
                return Err(failure);
            }
        };
        let sweeping = async {
            let swept = site.sweep_in_passing(current, Vec::new()).await;
            tell(&swept, invocation);
        };
        let renew = async || {
            if let Err(failure) = held.renew().await {
                invocation
                    .ui
                    .warn(format!("{failure}: edu testdb gc may drop the database"));
            }
        };
        let waiting = child::wait(&mut child, &mut signals, renew);
        let (outcome, ()) = futures_util::future::join(waiting, sweeping).await;
        end(args, held, &outcome?, invocation).await
    })
}

/// Where the command's database is made.
enum Place {
    Shared(Box<Site>),
    Own(Ephemeral, Box<Server>),
}

/// Starts a server of the command's own. A signal meanwhile ends edu, and the server with it.
fn own(args: &Args, invocation: &Invocation) -> Result<Place> {
    let project = invocation.project()?;
    let major = args.target.major.unwrap_or(project.manifest.server.major);
    let edu = std::env::current_exe()
        .map_err(|error| Failure::io("find this program's own file", &error))?;
    let report = |progress| invocation.ui.hear(progress);
    let begun = std::time::Instant::now();
    let environment = &invocation.environment;
    let seeds = args.wanted.seeds();
    let (server, database) = own::start(environment, project, seeds, major, &edu, &report)?;
    let took = human_time(begun.elapsed());
    invocation
        .ui
        .detail(format!("server: {}, after {took}", database.place()));
    Ok(Place::Own(server, Box::new(database)))
}

/// Makes the database. A signal meanwhile is heard between two steps, and leaves nothing.
async fn held(
    site: &Site,
    signals: &mut Signals,
    invocation: &Invocation,
) -> Result<(Held, String)> {
    let cancel = Cancel::default();
    let report = |progress| invocation.ui.hear(progress);
    let making = async {
        let mut admin = site.open().await?;
        let template = site.template(&mut admin, &cancel, &report).await?;
        invocation.ui.detail(told(&template));
        let held = site.hold(admin, &template).await?;
        if cancel.requested().is_some() {
            held.drop_it().await?;
            return Err(cancel.failure().detail("The database was dropped again."));
        }
        Ok((held, template.name))
    };
    let mut making = std::pin::pin!(making);
    loop {
        tokio::select! {
            outcome = &mut making => return outcome,
            signal = signals.next() => cancel.request(child::exit(signal)),
        }
    }
}

fn start(args: &Args, clone: &Server, invocation: &Invocation) -> Result<Child> {
    let clone = match &args.login {
        Some(login) => clone.with_user(login),
        None => clone.clone(),
    };
    invocation.ui.detail(format!("database: {}", clone.place()));
    let url = clone.client_url(Secret::Shown);
    let (program, rest) = args
        .command
        .split_first()
        .ok_or_else(|| Failure::usage("no command was given"))?;
    Command::new(program)
        .args(rest)
        .env("DATABASE_URL", &url)
        .env("EDU_DATABASE_URL", &url)
        .envs(clone.client_environment())
        .spawn()
        .map_err(|error| {
            Failure::io(format!("run \"{}\"", program.display()), &error)
                .detail("The database was dropped again.")
                .hint("Give a program that is on PATH, after two dashes: edu testdb run -- cargo test")
        })
}

/// Drops the database, or keeps and names it. Shape: the command's exit code.
async fn end(args: &Args, held: Held, outcome: &Outcome, invocation: &Invocation) -> Result<u8> {
    let (ui, name) = (&invocation.ui, held.name().to_owned());
    if outcome.code == 0 || outcome.interrupted || args.keep.is_zero() {
        if let Err(failure) = held.drop_it().await {
            ui.warn(format!(
                "{name} is left over: {failure}; drop it: edu testdb gc"
            ));
        }
        return Ok(outcome.code);
    }
    match held.keep(seconds(args.keep.into())).await {
        Ok(server) => ui.warn(format!(
            "the command ended with {}; its database is kept for {}: {name}\n  \
             look at it: psql '{}'\n  drop it: edu testdb drop {name}",
            outcome.code,
            args.keep,
            server.client_url(Secret::Hidden)
        )),
        Err(failure) => ui.warn(format!("{name} could not be kept: {failure}")),
    }
    Ok(outcome.code)
}
