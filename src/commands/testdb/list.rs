//! `edu testdb list`

use comfy_table::{Table, presets};
use serde::Serialize;

use super::{Invocation, Output, Target, Wanted, json, moment, site};
use crate::failure::{Exit, Result};
use crate::pg::testdb::mark::{Made, Mark, Owner};
use crate::pg::testdb::state::{self, State};
use crate::pg::testdb::sweep::{self, Judged};
use crate::testdb::site::UNUSED_MAX;

/// Which test databases and templates there are, whose, and until when
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    wanted: Wanted,
    /// Those of all projects on the server, not of this one alone
    #[arg(long)]
    every_project: bool,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// The answer for machines.
#[derive(Debug, Serialize)]
struct Answer {
    schema: u32,
    databases: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    name: String,
    kind: &'static str,
    state: State,
    project: Option<String>,
    template: Option<String>,
    owner: Option<Owner>,
    since: Option<String>,
    expires: Option<String>,
    sessions: i64,
    size_bytes: Option<i64>,
    strategy: Option<String>,
    measured: Option<String>,
    /// The template that the files give now.
    current: bool,
}

/// Runs the command.
///
/// # Errors
/// Exit 7 when the server cannot be reached.
pub(super) fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let site = site(&args.target, &args.wanted, "edu testdb list", invocation)?;
    let (there, current) = invocation.block_on(async {
        let mut admin = site.open().await?;
        let current = site.template_name(&mut admin).await?;
        let mut scope = site.scope(Some(current.clone()), UNUSED_MAX);
        scope.every_project = args.every_project;
        let there = sweep::list(&mut admin, &scope).await?;
        admin.close().await;
        Ok((there, current))
    })?;
    let databases: Vec<Row> = there.iter().map(|one| row(one, &current)).collect();
    if args.output == Output::Json {
        json(
            invocation,
            &Answer {
                schema: 1,
                databases,
            },
        )?;
        return Ok(Exit::Done);
    }
    if databases.is_empty() {
        invocation.ui.answer("no test databases");
        return Ok(Exit::Done);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["database", "state", "size", "owner", "until"]);
    for row in &databases {
        table.add_row([
            row.name.clone(),
            row.state.to_string() + if row.current { ", current" } else { "" },
            row.size_bytes
                .map_or("?".to_owned(), |bytes| format!("{} MB", bytes >> 20)),
            row.owner.as_ref().map_or(String::new(), who),
            row.expires.clone().unwrap_or_default(),
        ]);
    }
    invocation.ui.answer(crate::ui::clean(&table.trim_fmt()));
    Ok(Exit::Done)
}

fn who(owner: &Owner) -> String {
    format!(
        "{}@{}, process {}: {}",
        owner.user, owner.host, owner.pid, owner.command
    )
}

fn row(one: &Judged, current: &str) -> Row {
    let (found, mark) = (&one.found, one.found.mark.as_ref());
    let (lease, made): (_, Option<&Made>) = (state::lease(found), mark.and_then(Mark::made));
    Row {
        name: found.name.clone(),
        kind: if one.is_template { "template" } else { "clone" },
        state: one.state,
        project: mark.map(|mark| mark.project.clone()),
        template: lease.map(|lease| lease.template.clone()),
        owner: lease.map(|lease| lease.owner.clone()),
        since: lease.map(|lease| moment(lease.since)),
        expires: lease.and_then(|lease| lease.expires).map(moment),
        sessions: found.sessions,
        size_bytes: found.size_bytes,
        strategy: made.map(|made| made.strategy.to_string()),
        measured: made.map(|made| made.measured.clone()),
        current: found.name == current,
    }
}
