//! `edu up`

use std::time::{Duration, Instant};

use super::Invocation;
use super::db::audit::{Audit, Depth, Part};
use crate::failure::{Exit, Result};
use crate::pg::migrate::{self, Context, Done, Plan, Stage};
use crate::pg::seed::{self, Ending, MadeKey};
use crate::pg::{Server, Work, bootstrap, graph, index};
use crate::progress::Report;
use crate::project::Project;
use crate::server::Start;

/// Everything at once: embedded server, bootstrap, migrations, graph, vector indexes, seed rows, verify
///
/// Prints the connection URL. Running it again changes nothing. Exits with 3 when the database is not
/// what the files say in the end.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The embedded server's major [default: edu.toml's]
    #[arg(long, value_name = "N")]
    major: Option<u16>,
    /// The folder under seeds/ to take rows from
    #[arg(long, value_name = "NAME", default_value = "dev")]
    profile: String,
    /// Write no seed rows
    #[arg(long, conflicts_with = "profile")]
    no_seed: bool,
    /// How long to wait for another run to end
    #[arg(long, value_name = "TIME", default_value = "60s")]
    lock_timeout: crate::sql::duration::Duration,
}

/// Runs the command.
///
/// # Errors
/// Those of the step that failed; what the steps before it did stays, and the next run goes on there.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let ui = &invocation.ui;
    let project = invocation.project()?;
    let begun = Instant::now();
    let embedded = invocation.embedded(&project, args.major)?;
    let started = match embedded.start {
        Start::Already => "already running",
        Start::Started => "started",
        Start::Created => "created and started",
    };
    let major = args.major.unwrap_or(project.manifest.server.major);
    ui.step(
        "server",
        &format!("PostgreSQL {major}, {started}"),
        begun.elapsed(),
    );
    let context = invocation.context(&project, "edu up");
    let options = index::Options {
        lock_timeout: args.lock_timeout.into(),
        ..index::Options::default()
    };
    let site = invocation.site(
        &embedded.server,
        &project.manifest,
        options,
        &context.cancel,
    );
    let steps = steps(args, invocation, &project, &site, &context);
    let (keys, indexed) = invocation.block_on_until(&context.cancel, steps)?;
    let verified = match &indexed {
        Ok(()) => verify(invocation, &project, &embedded.server),
        Err(_) => Ok(Exit::Done),
    };
    ui.status("");
    ui.answer(embedded.url);
    // Keys are shown this once, whatever came after the rows were committed.
    invocation.show_keys(&keys);
    indexed?;
    ui.status(format!(
        "\nconnect   edu server psql\nnext      edu db status · edu db migrate · edu server stop\n{}",
        "The URL holds no password: its socket folder is yours alone. For TCP: edu server url --tcp"
    ));
    verified
}

/// Whether all is now as the files say, as far as that can be seen without a scratch server.
fn verify(invocation: &Invocation, project: &Project, server: &Server) -> Result<Exit> {
    let begun = Instant::now();
    let audit = Audit {
        invocation,
        project,
        server,
        parts: Part::ALL.into(),
        depth: Depth::Quick,
    };
    let verdict = audit.run()?;
    let failing = verdict.report.failing();
    let ui = &invocation.ui;
    if failing > 0 {
        let found = if failing == 1 { "finding" } else { "findings" };
        let result = format!("{failing} {found}: edu db verify");
        ui.missed("verify", &result, begun.elapsed());
        return Ok(verdict.exit);
    }
    let judged: Vec<&str> = verdict.judged.iter().map(|part| part.as_str()).collect();
    let mut result = format!("{} as the files say", judged.join(", "));
    if !verdict.left.is_empty() {
        result.push_str(&format!("; not done: {}", verdict.left.join(", ")));
    }
    ui.step("verify", &result, begun.elapsed());
    Ok(verdict.exit)
}

async fn steps(
    args: &Args,
    invocation: &Invocation,
    project: &Project,
    site: &index::Site<'_>,
    context: &Context,
) -> Result<(Vec<MadeKey>, Result<()>)> {
    let ui = &invocation.ui;
    let report = |progress| ui.hear(progress);
    let report: Report<'_> = &report;
    let timeout: Duration = args.lock_timeout.into();
    let (server, manifest) = (site.server, &project.manifest);
    let migrations = project.migrations()?;

    let begun = Instant::now();
    let outcome =
        bootstrap::create_and_run(server, manifest, &migrations, context, timeout, report);
    let outcome = context.cancel.or(outcome).await?;
    ui.step("bootstrap", &outcome.to_string(), begun.elapsed());

    let begun = Instant::now();
    let work = Work::begin(server, "edu up", timeout, report);
    let mut work = context.cancel.or(work).await?;
    let plan = Plan::new(manifest, &migrations, Stage::Ordinary, context);
    let outcome = migrate::run(&mut work.connection, &work.lock, &plan, report).await?;
    ui.step("migrate", &migrated(&outcome.done), begun.elapsed());

    let ontology = project.ontology()?;
    if let Some(ontology) = &ontology {
        let begun = Instant::now();
        let options = graph::Options::default();
        let outcome = graph::apply(&mut work.connection, manifest, ontology, options, report);
        let outcome = context.cancel.or(outcome).await?;
        let result = match outcome.made.len() {
            0 => "nothing to do".to_owned(),
            made => format!("{made} things made"),
        };
        ui.step("graph", &result, begun.elapsed());
    }

    let wanted = project.vectors()?.indexes;
    if !wanted.is_empty() {
        let begun = Instant::now();
        let outcomes = index::ensure(&mut work.connection, site, &wanted, report).await?;
        ui.step("index", &index::summary(&outcomes), begun.elapsed());
    }

    let mut keys = Vec::new();
    if let (false, Some(rows)) = (args.no_seed, project.seed(&args.profile)?) {
        let begun = Instant::now();
        let source = seed::Source {
            manifest,
            ontology: ontology.as_ref(),
            seed: &rows,
        };
        let outcome = seed::run(&mut work.connection, source, Ending::Kept, report);
        let outcome = context.cancel.or(outcome).await?;
        ui.step("seed", &outcome.to_string(), begun.elapsed());
        keys = outcome.keys;
    }
    let indexed = invocation.index_after_load(&mut work.connection, site, &wanted);
    let indexed = indexed.await;
    work.end().await;
    Ok((keys, indexed))
}

fn migrated(done: &[Done]) -> String {
    match done {
        [] => "nothing to do".to_owned(),
        [one] => format!("V{} applied", one.version),
        [first, .., last] => format!("V{} to V{} applied", first.version, last.version),
    }
}
