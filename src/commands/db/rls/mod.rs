//! `edu db rls`

use std::collections::BTreeSet;

use super::isolation::Promise;
use super::{Invocation, Target};
use crate::failure::{Exit, Result};
use crate::pg::{Server, rls, session};
use crate::posture::scene::Scene;
use crate::posture::{Posture, fingerprint};
use crate::project::Project;
use crate::proof;
use examine::Run;

mod examine;
mod generate;
mod init;
mod matrix;
mod perf;
mod scratch;
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
    /// Where to build the scratch database [default: beside the database itself]
    #[arg(long, value_name = "URL", conflicts_with = "here")]
    scratch_url: Option<String>,
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
    /// Print role × table × command: what is declared, and what the policies give where it differs
    Matrix(MatrixArgs),
    /// Print what each policy costs: its form, when it is evaluated, the index that serves it
    Perf(OnlyTarget),
    /// Print a migration that makes the declared matrix true
    Generate(OnlyTarget),
    /// Propose spec/access.toml from a database; what is guessed is marked
    Init(OnlyTarget),
}

#[derive(Debug, clap::Args)]
struct OnlyTarget {
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, clap::Args)]
struct MatrixArgs {
    #[command(flatten)]
    target: Target,
    /// How to print it
    #[arg(long, value_name = "FORM", default_value = "text")]
    output: matrix::Form,
}

#[derive(Debug, clap::Args)]
struct FingerprintArgs {
    #[command(flatten)]
    target: Target,
    /// Print what is hashed, to compare two databases
    #[arg(long)]
    lines: bool,
}

/// Runs the command. Exit 1 when a finding is not accepted.
///
/// # Errors
/// Exit 2 for the project's files, 7 for the server; nothing was changed.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    match &args.command {
        Some(Command::Fingerprint(inner)) => return print_fingerprint(inner, invocation),
        Some(Command::Matrix(inner)) => return print_matrix(inner, invocation),
        Some(Command::Perf(inner)) => return print_perf(inner, invocation),
        Some(Command::Generate(inner)) => return print_migration(inner, invocation),
        Some(Command::Init(inner)) => return init::run(&inner.target, invocation),
        None => {}
    }
    let project = invocation.project_for(&args.target)?;
    let promise = Promise::needed(&project)?;
    let server = invocation.server(&args.target, &project)?;
    let engines: BTreeSet<EngineWord> = args.engine.iter().copied().collect();
    let scratch = match &args.scratch_url {
        Some(url) => Server::from_url(url, "--scratch-url")?,
        None => server.clone(),
    };
    let run = Run {
        server,
        scratch,
        project: &project,
        promise: &promise,
        engines,
    };
    let report = invocation.block_on(run.examine(args))?;
    let failing = report.failing();
    invocation.ui.answer(tell::render(&report, args.output)?);
    Ok(if failing > 0 {
        Exit::Findings
    } else {
        Exit::Done
    })
}

fn print_fingerprint(args: &FingerprintArgs, invocation: &Invocation) -> Result<Exit> {
    let project = invocation.project_for(&args.target)?;
    let promise = Promise::needed(&project)?;
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

/// The posture of a database with the promise it is judged against.
fn look(target: &Target, invocation: &Invocation) -> Result<(Project, Promise, Server, Posture)> {
    let project = invocation.project_for(target)?;
    let promise = Promise::needed(&project)?;
    let server = invocation.server(target, &project)?;
    let posture = invocation.block_on(async {
        let (mut connection, _) = session::open(&server, "edu db rls").await?;
        rls::posture(&mut connection, &promise.question(&project)).await
    })?;
    Ok((project, promise, server, posture))
}

fn print_matrix(args: &MatrixArgs, invocation: &Invocation) -> Result<Exit> {
    let (project, promise, _, posture) = look(&args.target, invocation)?;
    let scene = Scene::new(
        &posture,
        &promise.access,
        &project.manifest,
        promise.ontology.as_ref(),
    );
    invocation
        .ui
        .answer(matrix::render(&scene, &proof::judge(&scene), args.output));
    Ok(Exit::Done)
}

fn print_perf(args: &OnlyTarget, invocation: &Invocation) -> Result<Exit> {
    let (project, promise, server, posture) = look(&args.target, invocation)?;
    let scene = Scene::new(
        &posture,
        &promise.access,
        &project.manifest,
        promise.ontology.as_ref(),
    );
    let table = invocation.block_on(async {
        let (mut connection, _) = session::open(&server, "edu db rls perf").await?;
        perf::table(&mut connection, &scene).await
    })?;
    invocation.ui.answer(table);
    Ok(Exit::Done)
}

fn print_migration(args: &OnlyTarget, invocation: &Invocation) -> Result<Exit> {
    let (project, promise, _, posture) = look(&args.target, invocation)?;
    let scene = Scene::new(
        &posture,
        &promise.access,
        &project.manifest,
        promise.ontology.as_ref(),
    );
    invocation.ui.answer(generate::migration(&scene)?);
    Ok(Exit::Done)
}
