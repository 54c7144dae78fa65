//! `edu db graph load`

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::time::Instant;

use super::{Invocation, Target, Waiting};
use crate::failure::{Exit, Failure, Result};
use crate::graph::compare::Wanted;
use crate::graph::transfer::{self, Item, Sheet};
use crate::pg::Work;
use crate::pg::graph::load;
use crate::progress::{Progress, Unit};
use crate::spec::ontology::{LabelKind, Ontology};

/// Load vertices and edges from NDJSON or CSV, checked against graph/ontology.toml
///
/// Every line is checked before anything of its batch is written; a batch is one transaction. A run
/// that ended says from which line to go on.
#[derive(Debug, clap::Args)]
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
    /// The first line to load, as the run before said
    #[arg(long, value_name = "LINE", default_value = "1")]
    start_line: u64,
}

/// Runs the command.
///
/// # Errors
/// Exit 2 with the line that does not fit the ontology; see [`load::batch`].
pub(super) fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let ui = &invocation.ui;
    let project = invocation.project_for(&args.target)?;
    let Some(ontology) = project.ontology()? else {
        return Err(Failure::usage("the project has no graph/ontology.toml"));
    };
    let mut reader = open(&args.file)?;
    let sheet = if args.file.ends_with(".csv") {
        Some(sheet(args, &ontology, &mut reader)?)
    } else {
        None
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
        let tenant = args.tenant.as_deref();
        let way = load::way(&mut work.connection, tenant).await?;
        report(Progress::Stage {
            what: format!("loading {}", args.file),
            total: None,
            unit: Unit::Items,
        });
        let mut lines = Lines {
            reader,
            sheet,
            number: u64::from(args.file.ends_with(".csv")),
            args,
            ontology: &ontology,
        };
        let mut done = 0;
        loop {
            let first = lines.number + 1;
            let result = async {
                let items = lines.batch()?;
                load::batch(&mut work.connection, wanted, way, tenant, &items).await?;
                Ok(items.len() as u64)
            }
            .await;
            match result {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(failure) => return Err(resumable(failure, done, first.max(args.start_line))),
            }
            report(Progress::At(done));
            report(Progress::Detail(format!(
                "{done} lines are in, line {} is next",
                lines.number + 1
            )));
        }
        report(Progress::stage("settling the indexes"));
        load::settle(&mut work.connection, wanted, way).await?;
        report(Progress::Done);
        work.end().await;
        Ok(done)
    })?;
    let seconds = begun.elapsed().as_secs_f64();
    ui.answer(format!(
        "loaded {loaded} lines ({:.0} per second)",
        loaded as f64 / seconds.max(0.001)
    ));
    Ok(Exit::Done)
}

fn resumable(failure: Failure, done: u64, next: u64) -> Failure {
    let failure = failure.detail(format!(
        "{done} lines are loaded and stay; line {next} begins the batch that was not."
    ));
    match failure.hint {
        Some(_) => failure.detail(format!("To go on there: --start-line {next}")),
        None => failure.hint(format!(
            "Mend the cause and go on there: --start-line {next}"
        )),
    }
}

fn open(path: &str) -> Result<BufReader<Box<dyn Read>>> {
    let source: Box<dyn Read> = if path == "-" {
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(path).map_err(|error| Failure::io(format!("read \"{path}\""), &error))?)
    };
    Ok(BufReader::with_capacity(1 << 18, source))
}

fn sheet<'a>(args: &Args, ontology: &'a Ontology, reader: &mut impl BufRead) -> Result<Sheet<'a>> {
    let Some(name) = &args.label else {
        return Err(Failure::usage("a CSV file needs --label"));
    };
    let Some(label) = ontology.label(name) else {
        return Err(Failure::usage(format!(
            "label \"{name}\" is not in the ontology"
        )));
    };
    let only = |given: &Option<String>, allowed: &[String], flag: &str| match (given, allowed) {
        (Some(given), _) => Ok(given.clone()),
        (None, [one]) => Ok(one.clone()),
        _ => Err(Failure::usage(format!(
            "edges of \"{name}\" can have several labels at that end: give {flag}"
        ))),
    };
    let ends = match label.kind {
        LabelKind::Vertex => None,
        LabelKind::Edge => Some((
            only(&args.from, &label.from, "--from")?,
            only(&args.to, &label.to, "--to")?,
        )),
    };
    let mut heading = String::new();
    reader
        .read_line(&mut heading)
        .map_err(|error| Failure::io("read the heading", &error))?;
    let fields = transfer::fields(&heading)
        .map_err(|problem| Failure::usage(format!("line 1: {problem}")))?;
    let columns = fields.into_iter().map(Option::unwrap_or_default).collect();
    Ok(Sheet {
        label,
        ends,
        columns,
    })
}

struct Lines<'a> {
    reader: BufReader<Box<dyn Read>>,
    sheet: Option<Sheet<'a>>,
    number: u64,
    args: &'a Args,
    ontology: &'a Ontology,
}

impl Lines<'_> {
    /// The next items; none at the end of the file.
    fn batch(&mut self) -> Result<Vec<Item>> {
        let mut items = Vec::new();
        let mut line = String::new();
        while items.len() < self.args.batch as usize {
            line.clear();
            let read = self.reader.read_line(&mut line);
            if read.map_err(|error| Failure::io(format!("read \"{}\"", self.args.file), &error))?
                == 0
            {
                break;
            }
            self.number += 1;
            if self.number < self.args.start_line || line.trim().is_empty() {
                continue;
            }
            let item = match &self.sheet {
                Some(sheet) => transfer::from_csv(sheet, &line),
                None => transfer::from_json(&line),
            };
            let item = item.and_then(|mut item| {
                transfer::complete(&mut item, self.ontology, self.args.tenant.as_deref())
                    .map(|()| item)
            });
            items.push(item.map_err(|problem| {
                Failure::usage(format!(
                    "line {} of \"{}\": {problem}",
                    self.number, self.args.file
                ))
            })?);
        }
        Ok(items)
    }
}
