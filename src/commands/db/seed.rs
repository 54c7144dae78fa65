//! `edu db seed`

use serde::Serialize;

use super::{Invocation, Output, Target, Waiting};
use crate::failure::{Exit, Failure, Result};
use crate::pg::index::Options;
use crate::pg::seed::{self, Ending, Outcome};
use crate::pg::{Cancel, Work};
use crate::project::Project;

/// Write the seed rows that are missing, through the policies
///
/// Rows stand in seeds/<profile>/*.toml, one block per table and writer:
///
///   [[table]]
///   name = "public.users"
///   tenant = "…"                # as the application, in this context; also: user = "…"
///   key = ["email"]             # what identifies a row [default: id]
///   [[table.row]]
///   "$name" = "admin"           # what other rows call it
///   email = "admin@example.org"
///   password = { argon2 = "…" }
///
/// as = "owner" writes what the policies deny to the application; where row security is
/// forced, with a context beside it. Row security is never switched off.
///
/// Values may be computed: { ref = "admin" }, { now = "-7d" }, { argon2 = "…" }, { sha256 = "…" },
/// { api_key = "prefix_", hash = "sha256" } (shown once, only its hash is stored),
/// { api_key_prefix = 16 }, { random = "prefix_" }, { uuid = "random" }, { null = true },
/// { hex = "…" }, { base64 = "…" }, { json = … }. docs/seeds.md describes all of it.
///
/// All rows are written in one transaction, in the order of their references and foreign
/// keys. A row whose key is there is left as it is: seeding twice writes nothing.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    waiting: Waiting,
    /// The folder under seeds/ to take the rows from
    #[arg(long, value_name = "NAME", default_value = "dev")]
    profile: String,
    /// Write the rows, tell what was written, and roll all of it back
    #[arg(long)]
    dry_run: bool,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// The answer for machines.
#[derive(Serialize)]
struct Answer<'a> {
    schema: u32,
    profile: &'a str,
    dry_run: bool,
    #[serde(flatten)]
    outcome: &'a Outcome,
    keys: Vec<Shown<'a>>,
}

/// A key, this once.
#[derive(Serialize)]
struct Shown<'a> {
    table: &'a str,
    column: &'a str,
    place: &'a str,
    key: &'a str,
}

/// Runs the command.
///
/// # Errors
/// See [`seed::run`]; exit 2 when the profile does not exist.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let project = invocation.project_for(&args.target)?;
    let rows = project
        .seed(&args.profile)?
        .ok_or_else(|| no_profile(&project, &args.profile))?;
    let server = invocation.server(&args.target, &project)?;
    let report = |progress| invocation.ui.hear(progress);
    let ending = match args.dry_run {
        true => Ending::RolledBack,
        false => Ending::Kept,
    };
    let indexes = project.vectors()?.indexes;
    let cancel = Cancel::default();
    let options = Options::default();
    let site = invocation.site(&server, &project.manifest, options, &cancel);
    let (outcome, indexed) = invocation.block_on(async {
        let timeout = args.waiting.lock_timeout.into();
        let mut work = Work::begin(&server, "edu db seed", timeout, &report).await?;
        let connection = &mut work.connection;
        let outcome = seed::run(connection, &project.manifest, &rows, ending, &report).await?;
        let indexed = match args.dry_run {
            true => Ok(()),
            false => {
                invocation
                    .index_after_load(connection, &site, &indexes)
                    .await
            }
        };
        work.end().await;
        Ok((outcome, indexed))
    })?;
    match args.output {
        Output::Text => tell(args, invocation, &outcome),
        Output::Json => {
            let answer = Answer {
                schema: 1,
                profile: &args.profile,
                dry_run: args.dry_run,
                outcome: &outcome,
                keys: shown(args, &outcome),
            };
            let text = serde_json::to_string_pretty(&answer).unwrap_or_default();
            invocation.ui.answer(text);
        }
    }
    indexed?;
    Ok(Exit::Done)
}

/// The keys that the database holds the hashes of now: none after a dry run.
fn shown<'a>(args: &Args, outcome: &'a Outcome) -> Vec<Shown<'a>> {
    let kept = outcome.keys.iter().filter(|_| !args.dry_run);
    kept.map(|made| Shown {
        table: &made.table,
        column: &made.column,
        place: &made.place,
        key: made.key.reveal(),
    })
    .collect()
}

fn tell(args: &Args, invocation: &Invocation, outcome: &Outcome) {
    let ui = &invocation.ui;
    if args.dry_run {
        for table in outcome.tables.iter().filter(|table| table.written > 0) {
            ui.answer(format!("{}: {} rows", table.table, table.written));
        }
        ui.answer(format!("dry run: {outcome}; all of it was rolled back"));
        return;
    }
    ui.answer(outcome.to_string());
    for row in &outcome.rows {
        if let Some(id) = &row.id {
            let id = id.as_str().map_or(id.to_string(), str::to_owned);
            ui.answer(format!("  {}: {} {id}", row.name, row.table));
        }
    }
    invocation.show_keys(&outcome.keys);
}

fn no_profile(project: &Project, name: &str) -> Failure {
    Failure::usage(format!("seed profile \"{name}\" has no files"))
        .detail(format!(
            "Looked for seeds/{name}/*.toml in the project ({}).",
            project.place()
        ))
        .hint("Name an existing folder under seeds/ with --profile.")
}
