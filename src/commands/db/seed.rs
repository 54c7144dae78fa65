//! `edu db seed`

use serde::Serialize;

use super::{Invocation, Output, Target, Waiting, scale};
use crate::failure::{Exit, Failure, Result};
use crate::pg::index::Options;
use crate::pg::seed::{self, Checked, Ending, Outcome, Source};
use crate::pg::{Cancel, Server, Work, protect, session};
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
///
/// The profile "scale" is generated: rows for load tests, from a seed, loaded by binary COPY.
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
    /// Write nothing: see whether each context shows exactly the rows that were seeded for it
    #[arg(long, conflicts_with = "dry_run")]
    check: bool,
    /// Say that rows may be written to this protected database
    #[arg(long, value_name = "DATABASE")]
    allow_protected: Option<String>,
    #[command(flatten)]
    scale: scale::Amount,
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
/// See [`seed::run`]; exit 2 when the profile does not exist, exit 8 for a protected database.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let project = invocation.project_for(&args.target)?;
    let rows = match project.seed(&args.profile)? {
        Some(rows) => rows,
        None if args.profile == scale::PROFILE => {
            let server = invocation.server(&args.target, &project)?;
            let run = generated(args);
            if args.check {
                let checked = scale::check(&run, invocation, &project, &server)?;
                return Ok(tell_checked(args, invocation, &checked));
            }
            return scale::run(&run, invocation, &project, &server);
        }
        None => return Err(no_profile(&project, &args.profile)),
    };
    let ontology = project.ontology()?;
    let source = Source {
        manifest: &project.manifest,
        ontology: ontology.as_ref(),
        seed: &rows,
    };
    let server = invocation.server(&args.target, &project)?;
    if args.check {
        return check(args, invocation, &project, &server, source);
    }
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
        let allowed = args.allow_protected.as_deref();
        protect::refuse(connection, &server, source.manifest, allowed, "seed it").await?;
        let outcome = seed::run(connection, source, ending, &report).await?;
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

fn generated(args: &Args) -> scale::Run<'_> {
    scale::Run {
        args: &args.scale,
        waiting: &args.waiting,
        dry_run: args.dry_run,
        allowed: args.allow_protected.as_deref(),
        output: args.output,
    }
}

fn check(
    args: &Args,
    invocation: &Invocation,
    project: &Project,
    server: &Server,
    source: Source<'_>,
) -> Result<Exit> {
    let report = |progress| invocation.ui.hear(progress);
    let access = project.access()?;
    let checked = invocation.block_on(async {
        let (mut connection, _) = session::open(server, "edu db seed").await?;
        seed::check(&mut connection, source, access.as_ref(), &report).await
    })?;
    Ok(tell_checked(args, invocation, &checked))
}

fn tell_checked(args: &Args, invocation: &Invocation, checked: &Checked) -> Exit {
    if args.output == Output::Json {
        let text = serde_json::to_string_pretty(checked).unwrap_or_default();
        invocation.ui.answer(text);
    } else {
        for found in &checked.differences {
            let place = found.place.as_ref().map(|place| format!(" ({place})"));
            invocation.ui.answer(format!(
                "{} in the context of {}: {}{}",
                found.table,
                found.context,
                found.what,
                place.unwrap_or_default()
            ));
        }
        invocation.ui.answer(format!(
            "{} contexts, {} rows: {}",
            checked.contexts,
            checked.rows,
            match checked.differences.len() {
                0 => "each shows its own and no other".to_owned(),
                some => format!("{some} differences"),
            }
        ));
    }
    match checked.differences.is_empty() {
        true => Exit::Done,
        false => Exit::Findings,
    }
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
