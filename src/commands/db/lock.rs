//! `edu db lock`

use serde::Serialize;

use super::{Invocation, Output, Target};
use crate::failure::{Exit, Failure, Result};
use crate::pg::holder::{self, Holder};
use crate::pg::lock::Purpose;
use crate::pg::session;

/// Who holds the database's lock, and what that run is doing
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// End the session that holds it; its open transaction is rolled back
    #[arg(long = "break")]
    end: bool,
    /// Do not ask before ending it
    #[arg(long, requires = "end")]
    yes: bool,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// The answer for machines.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    schema: u32,
    holder: Option<&'a Holder>,
    ended: bool,
}

/// Runs the command.
///
/// # Errors
/// Exit 8 when nobody could be asked, or the role may not end that session.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let project = invocation.project_for(&args.target)?;
    let server = invocation.server(&args.target, &project)?;
    let (holder, ended) = invocation.block_on(async {
        let (mut connection, _) = session::open(&server, "edu db lock").await?;
        let holder = holder::find(&mut connection, Purpose::Change).await?;
        let Some(found) = holder.as_ref().filter(|_| args.end) else {
            return Ok((holder, false));
        };
        if !args.yes {
            confirm(found, invocation)?;
        }
        holder::terminate(&mut connection, found.pid).await?;
        Ok((holder, true))
    })?;
    if args.output == Output::Json {
        let answer = Answer {
            schema: 1,
            holder: holder.as_ref(),
            ended,
        };
        invocation
            .ui
            .answer(serde_json::to_string_pretty(&answer).unwrap_or_default());
        return Ok(Exit::Done);
    }
    match (&holder, ended) {
        (None, _) => invocation.ui.answer("nobody holds the lock"),
        (Some(holder), false) => invocation.ui.answer(crate::ui::clean(&holder.to_string())),
        (Some(holder), true) => invocation.ui.answer(format!(
            "session {} was ended; see what it left: edu db status",
            holder.pid
        )),
    }
    Ok(Exit::Done)
}

fn confirm(holder: &Holder, invocation: &Invocation) -> Result<()> {
    let pid = holder.pid;
    match invocation
        .ui
        .ask(&format!("{holder} End it? Type yes to go on:"))?
        .as_deref()
    {
        Some("yes") => Ok(()),
        Some(_) => Err(Failure::refused(format!("session {pid} was not ended"))),
        None => Err(Failure::refused(format!(
            "session {pid} was not ended, because nobody could be asked"
        ))
        .detail(holder.to_string())
        .hint("Say so: edu db lock --break --yes")),
    }
}
