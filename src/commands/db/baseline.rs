//! `edu db baseline`

use super::expected::{self, ScratchServer};
use super::{Invocation, Target, Waiting};
use crate::catalog::name::quote_ident;
use crate::catalog::{Id, Kind};
use crate::diff::{Change, Difference, compare};
use crate::failure::{Exit, Failure, Result};
use crate::pg::migrate::adopt::{self, Known};
use crate::pg::migrate::history;
use crate::pg::scratch::{self, From, Wanted};
use crate::pg::{Server, Work, inspect, session};
use crate::progress::Report;
use crate::project::Project;
use crate::spec::migration::Migration;
use crate::spec::vectors::VectorSpec;

/// Tables in which other tools keep their history: nobody expects migrations to make them.
const OTHER_HISTORIES: &[&str] = &[
    "_sqlx_migrations",
    "flyway_schema_history",
    "schema_migrations",
    "__drizzle_migrations",
    "_prisma_migrations",
    "drizzle",
    "sqitch",
];

/// How many differences are shown.
const SHOWN_MAX: usize = 12;

/// Adopt an existing database: record migrations as applied that it already has
///
/// Applies them to a scratch database first and compares both catalogs as edu db verify does.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The last version that the database already has
    #[arg(value_name = "VERSION")]
    version: i64,
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    waiting: Waiting,
    /// Do not prove that the database has what the migrations give
    #[arg(long, conflicts_with = "scratch_url")]
    unverified: bool,
    /// A server for the scratch database, as a superuser [default: one of its own, ended afterwards]
    #[arg(long, value_name = "URL")]
    scratch_url: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// Exit 2 for a version without a file; exit 3 when the structures differ; exit 4 when history and files
/// contradict each other.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let project = invocation.project_for(&args.target)?;
    let migrations = project.migrations()?;
    if !migrations.iter().any(|one| one.version == args.version) {
        return Err(
            Failure::usage(format!("no migration has version {}", args.version))
                .hint("Give the version of a file in migrations/."),
        );
    }
    let server = invocation.server(&args.target, &project)?;
    let scratch = match args.unverified {
        true => None,
        false => Some(scratch(args, invocation, &project, &server)?),
    };
    let ui = &invocation.ui;
    let report = |progress| ui.hear(progress);
    invocation.block_on(async {
        let timeout = args.waiting.lock_timeout.into();
        let mut work = Work::begin(&server, "edu db baseline", timeout, &report).await?;
        let applied = history::read(&mut work.connection).await?;
        let pending = history::pending(&applied, &migrations).await?;
        let known: Vec<Known<'_>> = pending
            .into_iter()
            .filter(|one| one.version <= args.version)
            .map(|migration| Known {
                migration,
                applied_at: None,
            })
            .collect();
        if known.is_empty() {
            ui.answer("nothing to do");
            work.end().await;
            return Ok(Exit::Done);
        }
        match &scratch {
            Some(scratch) => {
                let proof = Proof {
                    project: &project,
                    migrations: &migrations,
                    version: args.version,
                };
                proof.prove(&mut work, scratch, &report).await?;
            }
            None => ui.warn("nobody proved that the database has what these migrations give"),
        }
        let owner = project.manifest.roles.owner.as_deref();
        adopt::record(
            &mut work.connection,
            &work.lock,
            owner,
            &project.manifest.name,
            &known,
        )
        .await?;
        for one in &known {
            ui.answer(format!(
                "recorded {} as applied",
                one.migration.up.document.path
            ));
        }
        work.end().await;
        Ok(Exit::Done)
    })
}

/// A server for the scratch database, of the live one's major.
fn scratch(
    args: &Args,
    invocation: &Invocation,
    project: &Project,
    live: &Server,
) -> Result<ScratchServer> {
    let needs = project.manifest.needs();
    let (_, identity) = invocation.block_on(session::open(live, "edu db baseline"))?;
    let scratch = expected::scratch_server(
        invocation,
        &needs,
        args.scratch_url.as_deref(),
        identity.major(),
    )?;
    invocation.block_on(scratch::insist_on_major(&scratch.server, identity.major()))?;
    Ok(scratch)
}

/// What is to be proved.
struct Proof<'a> {
    project: &'a Project,
    migrations: &'a [Migration],
    version: i64,
}

impl Proof<'_> {
    /// Proves that the database is what the migrations give. Labels of the graph and vector indexes are
    /// left out: the run that follows makes what is missing of them.
    async fn prove(
        &self,
        work: &mut Work,
        scratch: &ScratchServer,
        report: Report<'_>,
    ) -> Result<()> {
        let manifest = &self.project.manifest;
        let wanted = Wanted {
            manifest,
            migrations: self.migrations,
            schema: &[],
            ontology: None,
            vectors: &VectorSpec::default(),
        };
        let from = From::Migrations(Some(self.version));
        let expected = scratch::catalog(&scratch.server, &wanted, from, report).await?;
        let found = inspect::of_project(&mut work.connection, manifest, &[]).await?;
        let mut differences = compare(&expected, &found);
        let vectors = self.project.vectors()?.indexes;
        differences.retain(|difference| {
            let scanned = difference.id.kind == Kind::Setting
                && &*difference.id.name == "hnsw.iterative_scan";
            let later = scanned
                || difference.id.kind == Kind::Index
                    && vectors
                        .iter()
                        .any(|index| *difference.id.name == *quote_ident(&index.name.name));
            !(later || self.is_of_graph(&difference.id) || is_other_history(difference))
        });
        self.judge(&differences)
    }

    /// Whether an object is a label of the project's graph, belongs to one, or is a privilege on AGE that the
    /// graph's readers are given together with it.
    fn is_of_graph(&self, id: &Id) -> bool {
        let Some(graph) = &self.project.manifest.graph else {
            return false;
        };
        let schema = format!("{}.", quote_ident(&graph.name));
        id.kind == Kind::Label
            || id.kind == Kind::ExtensionPrivileges && id.name.starts_with("ag_catalog.")
            || [&id.on, &id.name]
                .iter()
                .any(|name| name.starts_with(&schema))
    }

    fn judge(&self, differences: &[Difference]) -> Result<()> {
        if differences.is_empty() {
            return Ok(());
        }
        let version = self.version;
        let mut failure = Failure::new(
            Exit::Drift,
            format!("the database is not what the migrations up to V{version} give"),
        );
        for difference in differences.iter().take(SHOWN_MAX) {
            failure = failure.detail(format!("{}: {}.", difference.id, difference.words()));
        }
        if differences.len() > SHOWN_MAX {
            failure = failure.detail(format!("And {} more.", differences.len() - SHOWN_MAX));
        }
        Err(failure.detail("Nothing was recorded.").hint(
            "Choose the version that fits, mend the database, or take it as it is: --unverified",
        ))
    }
}

fn is_other_history(difference: &Difference) -> bool {
    let group = difference.id.group();
    let last = group.rsplit('.').next().unwrap_or(group);
    let first = group.split('.').next().unwrap_or(group);
    difference.change == Change::Unexpected
        && [first, last]
            .iter()
            .any(|name| OTHER_HISTORIES.contains(&name.trim_matches('"')))
}
