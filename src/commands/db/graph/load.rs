//! `edu db graph load`

use std::time::Instant;

use tokio::sync::mpsc;

use super::{Invocation, Target, Waiting};
use crate::failure::{Exit, Failure, Result};
use crate::graph::compare::Wanted;
use crate::pg::graph::load::{self, Done, Journal, Lanes, Way, Writing};
use crate::pg::{Work, session};
use crate::progress::{Progress, Report, Unit};

mod read;

use read::Portion;

/// Load vertices and edges from NDJSON or CSV, checked against graph/ontology.toml
///
/// Every line is checked before anything of its batch is written; a batch is one transaction, and is
/// written down with it: a load that was broken off goes on where it stopped when it is run again.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    waiting: Waiting,
    /// The file, .ndjson or .csv; "-" for NDJSON from standard input
    #[arg(value_name = "FILE")]
    file: String,
    /// The tenant that every line belongs to; filled in where a line names none
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// CSV: the label of every row
    #[arg(long, value_name = "LABEL")]
    label: Option<String>,
    /// CSV of edges: the label of their starts [default: the only one allowed]
    #[arg(long, value_name = "LABEL")]
    from: Option<String>,
    /// CSV of edges: the label of their ends [default: the only one allowed]
    #[arg(long, value_name = "LABEL")]
    to: Option<String>,
    /// How many lines one transaction takes
    #[arg(long, value_name = "LINES", default_value = "10000", value_parser = clap::value_parser!(u32).range(1..))]
    batch: u32,
    /// Batches that are written at once
    #[arg(long, value_name = "N", default_value = "2", value_parser = clap::value_parser!(u32).range(1..=64))]
    jobs: u32,
    /// Load from the first line, whatever an earlier run brought in
    #[arg(long)]
    restart: bool,
    /// The first line to load, where no journal can be kept: from standard input, or as the application
    #[arg(long, value_name = "LINE", default_value = "1")]
    start_line: u64,
}

/// Runs the command.
///
/// # Errors
/// Exit 2 with the line that does not fit the ontology; exit 8 when the file is not the one that an earlier
/// run began with; exit 1 when an edge's vertex does not exist; else by SQLSTATE.
pub(super) fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let ui = &invocation.ui;
    let project = invocation.project_for(&args.target)?;
    let Some(ontology) = project.ontology()? else {
        return Err(Failure::usage("the project has no graph/ontology.toml"));
    };
    let server = invocation.server(&args.target, &project)?;
    let report = |progress| ui.hear(progress);
    let begun = Instant::now();
    let loaded = invocation.block_on(async {
        let timeout = args.waiting.lock_timeout.into();
        let mut work = Work::begin(&server, "edu db graph load", timeout, &report).await?;
        let wanted = Wanted {
            manifest: &project.manifest,
            ontology: &ontology,
        };
        let way = load::way(&mut work.connection, args.tenant.as_deref()).await?;
        let (journal, done) = journal(&mut work, args, wanted, way, &report).await?;
        report(Progress::Stage {
            what: format!("loading {}", args.file),
            total: None,
            unit: Unit::Items,
        });
        let portions = read::start(args, &ontology, done)?;
        let mut connections = Vec::new();
        // Without a journal, lines that are in must not be followed by lines that are not.
        for _ in 1..journal.as_ref().map_or(1, |_| args.jobs) {
            let (connection, _) = session::open_for_writing(&server, "edu db graph load").await?;
            connections.push(connection);
        }
        let Work {
            connection, lock, ..
        } = work;
        connections.push(connection);
        let how = Writing {
            wanted,
            way,
            tenant: args.tenant.as_deref(),
            journal: journal.as_ref(),
        };
        let mut lanes = Lanes::new(how, connections);
        let loaded = transfer(&mut lanes, portions, journal.is_some(), &report).await;
        let mut connection = lanes.end().await?;
        let loaded = loaded?;
        report(Progress::stage("settling the indexes"));
        load::settle(&mut connection, wanted, way).await?;
        if let Some(journal) = &journal {
            journal.forget(&mut connection).await?;
        }
        report(Progress::Done);
        lock.release().await;
        Ok(loaded)
    })?;
    let seconds = begun.elapsed().as_secs_f64();
    ui.answer(format!(
        "loaded {loaded} lines ({:.0} per second)",
        loaded as f64 / seconds.max(0.001)
    ));
    Ok(Exit::Done)
}

/// The journal of this file, and what an earlier run of it brought in.
async fn journal(
    work: &mut Work,
    args: &Args,
    wanted: Wanted<'_>,
    way: Way,
    report: Report<'_>,
) -> Result<(Option<Journal>, Vec<Done>)> {
    if way == Way::AsApplication || args.file == "-" || args.start_line > 1 {
        return Ok((None, Vec::new()));
    }
    let owner = wanted.manifest.roles.owner.as_deref();
    let graph = &wanted.ontology.graph;
    let connection = &mut work.connection;
    let Some(journal) = Journal::open(connection, owner, graph, &source(args)?).await? else {
        return Ok((None, Vec::new()));
    };
    if args.restart {
        journal.forget(connection).await?;
    }
    let done = journal.done(connection).await?;
    let lines: u64 = done.iter().map(|one| one.lines).sum();
    if lines > 0 {
        report(Progress::Note(format!(
            "going on where an earlier run stopped: {lines} lines are in (from the first line: --restart)"
        )));
    }
    Ok((Some(journal), done))
}

/// What the journal knows this load by: the file, and what its lines mean.
fn source(args: &Args) -> Result<String> {
    let path = std::fs::canonicalize(&args.file)
        .map_err(|error| Failure::io(format!("read \"{}\"", args.file), &error))?;
    let mut source = path.display().to_string();
    for (flag, value) in [
        ("tenant", &args.tenant),
        ("label", &args.label),
        ("from", &args.from),
        ("to", &args.to),
    ] {
        if let Some(value) = value {
            source.push_str(&format!(" --{flag} {value}"));
        }
    }
    Ok(source)
}

/// Writes what is read until the file ends; how many vertices and edges it was.
async fn transfer(
    lanes: &mut Lanes<'_>,
    mut portions: mpsc::Receiver<Portion>,
    journaled: bool,
    report: Report<'_>,
) -> Result<u64> {
    let mut loaded = 0;
    let mut next = None;
    let mut ended = false;
    let mut failed: Option<(u64, Failure)> = None;
    while !(ended && next.is_none() && lanes.is_quiet()) {
        if let Some(batch) = next.take_if(|batch| lanes.admits(batch)) {
            lanes.begin(batch);
        }
        tokio::select! {
            Some(result) = lanes.next() => match result {
                Ok(written) => {
                    loaded += written.items;
                    report(Progress::At(loaded));
                    let last = written.first + written.lines - 1;
                    report(Progress::Detail(format!("{loaded} lines are in, the last of them line {last}")));
                }
                Err(failure) => {
                    (ended, next) = (true, None);
                    if failed.as_ref().is_none_or(|(first, _)| failure.0 < *first) {
                        failed = Some(failure);
                    }
                }
            },
            portion = portions.recv(), if next.is_none() && !ended => match portion {
                Some(Portion::Batch(batch)) => next = Some(batch),
                Some(Portion::Known) => {}
                Some(Portion::Stop(line, failure)) => (ended, failed) = (true, Some((line, failure))),
                None => ended = true,
            },
        }
    }
    match failed {
        None => Ok(loaded),
        Some((line, failure)) => Err(resumable(failure, loaded, line, journaled)),
    }
}

fn resumable(failure: Failure, done: u64, next: u64, journaled: bool) -> Failure {
    let failure = failure.detail(format!(
        "{done} lines are loaded and stay; line {next} begins the batch that was not."
    ));
    let go_on = if journaled {
        "run the same command again; it goes on there".to_owned()
    } else {
        format!("go on there: --start-line {next}")
    };
    match failure.hint {
        Some(_) => failure.detail(format!("Then {go_on}.")),
        None => failure.hint(format!("Mend the cause and {go_on}.")),
    }
}
