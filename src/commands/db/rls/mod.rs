//! `edu db rls`

use std::collections::BTreeSet;

use super::{Invocation, Target};
use crate::failure::{Exit, Failure, Result};
use crate::pg::rls::read::Question;
use crate::pg::{Server, rls, session};
use crate::posture::finding::{Engine, Finding};
use crate::posture::scene::{Scene, subjects};
use crate::posture::{Posture, fingerprint};
use crate::project::Project;
use crate::spec::access::Access;
use crate::spec::ontology::Ontology;
use crate::{check, proof};

mod tell;

/// Prove that every tenant reaches its own rows and no other: static checks, proof, and attempts
///
/// Reads the catalog only; attempts are made on a scratch database built from the migrations, in one
/// transaction that is rolled back.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// The engines to run
    #[arg(
        long,
        value_name = "ENGINE",
        value_delimiter = ',',
        default_value = "static,proof,probe"
    )]
    engine: Vec<EngineWord>,
    /// Tell of these tables only
    #[arg(long, value_name = "TABLE")]
    table: Vec<String>,
    /// How to print the answer
    #[arg(long, value_name = "FORM", default_value = "text")]
    output: tell::Form,
    /// Make the attempts on this database itself; they are rolled back
    #[arg(long)]
    here: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

/// An engine by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
enum EngineWord {
    /// Catalog checks.
    Static,
    /// Proof on the policies' trees.
    Proof,
    /// Attempts.
    Probe,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print the hash of everything that decides who reaches which row
    Fingerprint(FingerprintArgs),
}

#[derive(Debug, clap::Args)]
struct FingerprintArgs {
    #[command(flatten)]
    target: Target,
    /// Print what is hashed, to compare two databases
    #[arg(long)]
    lines: bool,
}

/// What the project promises about isolation.
pub(super) struct Promise {
    /// `spec/access.toml`.
    pub(super) access: Access,
    /// `graph/ontology.toml`.
    pub(super) ontology: Option<Ontology>,
}

impl Promise {
    fn of(project: &Project) -> Result<Self> {
        let file = project.file("spec/access.toml").ok_or_else(|| {
            Failure::usage("the project has no spec/access.toml")
                .detail("It says who may do what; row-level security is judged against it.")
                .hint("Propose one from a database: edu db rls init")
        })?;
        Ok(Self {
            access: Access::read(file)?,
            ontology: project.ontology()?,
        })
    }

    fn question(&self, project: &Project) -> Question {
        let context = &project.manifest.context;
        let settings = [&context.tenant, &context.user].into_iter().flatten();
        Question {
            subjects: subjects(&self.access, &project.manifest),
            words: settings
                .flat_map(|setting| setting.split('.'))
                .map(str::to_lowercase)
                .collect(),
            signatures: self
                .access
                .functions
                .iter()
                .map(|listed| listed.function.to_string())
                .collect(),
        }
    }
}

/// Runs the command. Exit 1 when a finding is not accepted.
///
/// # Errors
/// Exit 2 for the project's files, 7 for the server; nothing was changed.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    if let Some(Command::Fingerprint(inner)) = &args.command {
        return print_fingerprint(inner, invocation);
    }
    let project = invocation.project_for(&args.target)?;
    let promise = Promise::of(&project)?;
    let server = invocation.server(&args.target, &project)?;
    let engines: BTreeSet<EngineWord> = args.engine.iter().copied().collect();
    let report = invocation.block_on(examine(&server, &project, &promise, &engines, args))?;
    let failing = report.failing();
    invocation.ui.answer(tell::render(&report, args.output));
    Ok(if failing > 0 {
        Exit::Findings
    } else {
        Exit::Done
    })
}

async fn examine(
    server: &Server,
    project: &Project,
    promise: &Promise,
    engines: &BTreeSet<EngineWord>,
    args: &Args,
) -> Result<tell::Report> {
    let question = promise.question(project);
    let (mut connection, _) = session::open(server, "edu db rls").await?;
    let posture = rls::posture(&mut connection, &question).await?;
    let scene = Scene::new(
        &posture,
        &promise.access,
        &project.manifest,
        promise.ontology.as_ref(),
    );
    let mut report = tell::Report::new(&posture, &promise.access);
    if engines.contains(&EngineWord::Static) {
        report.add(Engine::Static, check::ALL.len(), check::run(&scene));
    }
    if engines.contains(&EngineWord::Proof) {
        let judged = proof::judge(&scene);
        report.add(
            Engine::Proof,
            judged.len(),
            proof::findings(&scene, &judged),
        );
    }
    if !args.table.is_empty() {
        report.keep(|finding: &Finding| {
            args.table
                .iter()
                .any(|table| finding.object.starts_with(table.as_str()))
        });
    }
    Ok(report)
}

fn print_fingerprint(args: &FingerprintArgs, invocation: &Invocation) -> Result<Exit> {
    let project = invocation.project_for(&args.target)?;
    let promise = Promise::of(&project)?;
    let server = invocation.server(&args.target, &project)?;
    let posture: Posture = invocation.block_on(async {
        let (mut connection, _) = session::open(&server, "edu db rls fingerprint").await?;
        rls::posture(&mut connection, &promise.question(&project)).await
    })?;
    match args.lines {
        true => invocation
            .ui
            .answer(fingerprint::lines(&posture).join("\n")),
        false => invocation.ui.answer(fingerprint::fingerprint(&posture)),
    }
    Ok(Exit::Done)
}
