//! The generated profile of `edu db seed`: a large load from a seed.

use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;
use sqlx::postgres::PgConnection;

use super::{Invocation, Output, Waiting};
use crate::failure::{Exit, Failure, Result};
use crate::pg::seed::Checked;
use crate::pg::seed::scale::{self, Loaded};
use crate::pg::{Cancel, Server, Work, index, protect, session};
use crate::progress::human_time;
use crate::project::Project;
use crate::seed::scale::{Plan, Size};
use crate::spec::access::Access;
use crate::spec::manifest::Manifest;
use crate::spec::ontology::Ontology;
use crate::spec::scale::Scale;

/// The name of the generated profile.
pub(super) const PROFILE: &str = "scale";

/// How much is generated, and how it is loaded.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "The profile \"scale\"")]
pub struct Amount {
    /// Rows of the table whose rows are the tenants; the others are shared among them, unevenly
    #[arg(long, value_name = "N", default_value = "100", value_parser = number)]
    tenants: u64,
    /// Rows of all tables together, for example 1_000_000
    #[arg(long, value_name = "N", default_value = "1_000_000", value_parser = number)]
    rows: u64,
    /// What all values follow from: the same seed gives the same rows on every machine
    #[arg(long, value_name = "N", default_value = "1", value_parser = number)]
    seed: u64,
    /// Connections that write at once
    #[arg(long, value_name = "N", default_value_t = 4)]
    jobs: usize,
    /// Drop the vector indexes of tables that are empty, and build them after the load
    #[arg(long)]
    load_then_index: bool,
}

/// What the run is about.
pub(super) struct Run<'a> {
    /// How much.
    pub args: &'a Amount,
    /// How long to wait for the lock.
    pub waiting: &'a Waiting,
    /// Tell what would be written, and write nothing.
    pub dry_run: bool,
    /// The protected database that may be written to.
    pub allowed: Option<&'a str>,
    /// How to answer.
    pub output: Output,
}

#[derive(Serialize)]
struct Answer<'a> {
    schema: u32,
    profile: &'static str,
    seed: u64,
    dry_run: bool,
    written: u64,
    present: u64,
    took_ms: u64,
    tables: &'a [Loaded],
}

/// Reads 1_000_000 as well as 1000000.
fn number(text: &str) -> std::result::Result<u64, String> {
    let digits: String = text.chars().filter(|c| *c != '_').collect();
    digits
        .parse()
        .map_err(|_| format!("\"{text}\" is no whole number"))
}

/// What is generated, but for what the database's catalog says.
struct Wanted {
    scale: Scale,
    access: Option<Access>,
    ontology: Option<Ontology>,
    size: Size,
}

impl Wanted {
    fn read(run: &Run<'_>, project: &Project) -> Result<Self> {
        let file = project.file("seeds/scale.toml");
        Ok(Self {
            scale: file.map(Scale::read).transpose()?.unwrap_or_default(),
            access: project.access()?,
            ontology: project.ontology()?,
            size: Size {
                tenants: usize::try_from(run.args.tenants.max(1))
                    .map_err(|_| Failure::usage("--tenants is too large"))?,
                rows: run.args.rows,
                seed: run.args.seed,
            },
        })
    }

    async fn plan(&self, connection: &mut PgConnection, manifest: &Manifest) -> Result<Plan> {
        let tables = scale::tables(connection, manifest).await?;
        let root = self.access.as_ref().and_then(|access| access.root.as_ref());
        let vectors = manifest.vectors.as_ref();
        let dims = vectors.map(|vectors| vectors.dimensions as usize);
        let ontology = self.ontology.as_ref();
        Plan::make(tables, &self.scale, root, ontology, self.size, dims)
    }
}

/// Looks whether each tenant sees what was generated for it.
///
/// # Errors
/// See [`scale::check`].
pub(super) fn check(
    run: &Run<'_>,
    invocation: &Invocation,
    project: &Project,
    server: &Server,
) -> Result<Checked> {
    let wanted = Wanted::read(run, project)?;
    let manifest = &project.manifest;
    let report = |progress| invocation.ui.hear(progress);
    invocation.block_on(async {
        let (mut connection, _) = session::open(server, "edu db seed").await?;
        let plan = wanted.plan(&mut connection, manifest).await?;
        let access = wanted.access.as_ref();
        scale::check(&mut connection, &plan, manifest, access, &report).await
    })
}

/// Runs the profile.
///
/// # Errors
/// See [`scale::load`]; exit 2 for a table that cannot be filled, exit 8 for a protected database.
pub(super) fn run(
    run: &Run<'_>,
    invocation: &Invocation,
    project: &Project,
    server: &Server,
) -> Result<Exit> {
    let wanted = Wanted::read(run, project)?;
    let manifest = &project.manifest;
    let report = |progress| invocation.ui.hear(progress);
    let cancel = Cancel::default();
    let begun = Instant::now();
    let loaded = invocation.block_on(async {
        let timeout = run.waiting.lock_timeout.into();
        let mut work = Work::begin(server, "edu db seed", timeout, &report).await?;
        let connection = &mut work.connection;
        protect::refuse(connection, server, manifest, run.allowed, "load it").await?;
        let plan = Arc::new(wanted.plan(connection, manifest).await?);
        if run.dry_run {
            work.end().await;
            return Ok(scale::promised(&plan));
        }
        let later = match run.args.load_then_index {
            true => {
                let indexes = project.vectors()?.indexes;
                scale::drop_on_empty(connection, manifest, &indexes).await?
            }
            false => Vec::new(),
        };
        let options = scale::Options {
            jobs: run.args.jobs,
            manifest,
        };
        let loaded = scale::load(server, &plan, options, &report).await;
        if !later.is_empty() {
            // Also after a load that failed: what was dropped comes back.
            let site = invocation.site(server, manifest, index::Options::default(), &cancel);
            index::ensure(&mut work.connection, &site, &later, &report).await?;
        }
        work.end().await;
        loaded
    })?;
    tell(run, invocation, &loaded, begun);
    Ok(Exit::Done)
}

fn tell(run: &Run<'_>, invocation: &Invocation, loaded: &[Loaded], begun: Instant) {
    let ui = &invocation.ui;
    let written: u64 = loaded.iter().map(|one| one.written).sum();
    let present: u64 = loaded.iter().map(|one| one.present).sum();
    let took = begun.elapsed();
    if run.output == Output::Json {
        let answer = Answer {
            schema: 1,
            profile: PROFILE,
            seed: run.args.seed,
            dry_run: run.dry_run,
            written,
            present,
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            tables: loaded,
        };
        ui.answer(serde_json::to_string_pretty(&answer).unwrap_or_default());
        return;
    }
    for one in loaded.iter().filter(|one| one.written > 0) {
        ui.answer(format!("  {}: {} rows", one.table, one.written));
    }
    ui.answer(match (run.dry_run, written) {
        (true, _) => format!("dry run: {written} rows would be written"),
        (false, 0) => format!("nothing to do ({present} rows are there)"),
        (false, _) => format!("{written} rows written in {}", human_time(took)),
    });
}
