//! `edu image check`

use std::path::Path;
use std::time::{Duration, Instant};

use super::told::Told;
use super::{Invocation, Output, Target, program};
use crate::failure::{Exit, Failure, Result};
use crate::pg::Server;
use crate::pg::image::{self, Scratch};
use crate::progress::{Progress, silent};
use crate::project::Project;
use crate::server::Runtime;

/// How long the server may take to notice that a cancelled connection is gone.
const NOTICED: Duration = Duration::from_millis(700);

/// Prove that a running server is what edu.toml wants
///
/// Major, preloaded AGE, extensions in their ranges; and, in scratch databases that it creates and
/// drops: a Cypher round trip, an HNSW build and search, a dump and restore. Needs a superuser.
/// Exits with 0 when all is proved, with 1 when something is not.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Connection URL [default: EDU_DATABASE_URL, DATABASE_URL, PG* variables, else the embedded server]
    #[arg(long, value_name = "URL", help_heading = "Database")]
    url: Option<String>,
    /// The wanted major, and the embedded server's [default: edu.toml's]
    #[arg(long, value_name = "N", help_heading = "Database")]
    major: Option<u16>,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// Runs the command.
///
/// # Errors
/// Exit 7 when the server cannot be reached, exit 8 without a superuser; nothing was created then.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let target = Target {
        url: args.url.clone(),
        major: args.major.filter(|_| args.url.is_none()),
    };
    let project = invocation.project_for(&target)?;
    let server = if invocation.is_embedded(&target)? {
        // The project's database need not exist yet.
        invocation
            .server(&target, &project)?
            .with_database("postgres")
    } else {
        invocation.server(&target, &project)?
    };
    let wanted = args.major.unwrap_or(project.manifest.server.major);
    let scratch = Scratch::named();
    let mut report = Told::new(invocation, args.output);
    let outcome = invocation.block_on(prove(
        &mut report,
        invocation,
        &project,
        &server,
        wanted,
        &scratch,
    ));
    if matches!(&outcome, Err(f) if matches!(f.exit, Exit::Cancelled | Exit::Terminated)) {
        std::thread::sleep(NOTICED);
    }
    if let Err(failure) = invocation.block_on(scratch.drop(&server)) {
        invocation.ui.warn(format!(
            "the scratch databases \"{}\" and \"{}\" may be left on the server: {failure}",
            scratch.name, scratch.copy
        ));
    }
    outcome?;
    report.end(&server)
}

async fn prove(
    told: &mut Told<'_>,
    invocation: &Invocation,
    project: &Project,
    server: &Server,
    wanted: u16,
    scratch: &Scratch,
) -> Result<()> {
    let manifest = &project.manifest;
    let wants = |name: &str| manifest.extensions.contains_key(name);
    let (mut connection, identity) = image::open(server).await?;

    let begun = Instant::now();
    let outcome = image::major(&mut connection, &identity, wanted).await;
    told.hear("major", begun, outcome);
    if wants("age") {
        let begun = Instant::now();
        let outcome = image::preload(&mut connection).await;
        told.hear("preload", begun, outcome);
    }

    let begun = Instant::now();
    scratch.create(&mut connection).await?;
    let (mut inside, _) = image::open(&server.with_database(&scratch.name)).await?;
    let outcome = image::extensions(&mut inside, &identity, manifest).await;
    let mut whole = told.hear("extensions", begun, outcome);
    for (name, check) in [("age", "cypher"), ("vector", "hnsw")] {
        if !wants(name) {
            continue;
        }
        if !whole {
            told.skip(check, "not tried: a check before it failed");
            continue;
        }
        let begun = Instant::now();
        let outcome = match check {
            "cypher" => image::cypher(&mut inside).await,
            _ => image::vectors(&mut inside).await,
        };
        whole = told.hear(check, begun, outcome);
    }
    drop(inside);
    if !whole {
        told.skip("restore", "not tried: a check before it failed");
        return Ok(());
    }
    let begun = Instant::now();
    let outcome = dump_and_restore(invocation, project, server, identity.major(), scratch).await;
    told.hear("restore", begun, outcome);
    Ok(())
}

/// Dumps the scratch database and restores it into the other one, with the client programs of the
/// server's own major.
async fn dump_and_restore(
    invocation: &Invocation,
    project: &Project,
    server: &Server,
    major: u16,
    scratch: &Scratch,
) -> Result<String> {
    let report = |progress: Progress| invocation.ui.hear(progress);
    let needs = project.manifest.needs();
    let runtime = match Runtime::find(&invocation.environment, major, &needs, &silent)? {
        Some(runtime) => runtime,
        None => Runtime::ensure(&invocation.environment, major, &needs, &report)?,
    };
    let folder = tempfile::tempdir().map_err(|e| Failure::io("make a temporary folder", &e))?;
    let file = folder.path().join("scratch.dump");
    let source = server.with_database(&scratch.name);
    client(
        &runtime,
        "pg_dump",
        &["--format=custom", "--file"],
        &file,
        &source,
    )
    .await?;
    let copy = server.with_database(&scratch.copy);
    let into = format!("--dbname={}", scratch.copy);
    client(
        &runtime,
        "pg_restore",
        &["--exit-on-error", &into],
        &file,
        &copy,
    )
    .await?;
    image::restored(&copy, &project.manifest).await
}

async fn client(
    runtime: &Runtime,
    program: &str,
    args: &[&str],
    file: &Path,
    server: &Server,
) -> Result<()> {
    let mut command = runtime.command(program);
    command
        .args(args)
        .arg(file)
        .envs(server.client_environment());
    let (status, said) = program::run_silently(command).await?;
    if status.success() {
        return Ok(());
    }
    let said: Vec<String> = said.lines().map(str::to_owned).collect();
    let mut failure = Failure::new(Exit::Findings, format!("{program} failed ({status})"));
    failure.detail = said;
    Err(failure.hint(format!(
        "{program} came from \"{}\"; it must not be older than the server.",
        runtime.bin.display()
    )))
}
