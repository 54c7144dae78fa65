//! `edu db snapshot`

use super::Invocation;
use super::expected::{self, SNAPSHOT, ScratchServer, Sources};
use super::isolation::{Attempted, Promise, attempted};
use crate::catalog::snapshot::{Isolation, Snapshot};
use crate::failure::{Exit, Failure, Result};
use crate::pg::scratch::From;
use crate::progress::Report;
use crate::project::{Origin, Project};

/// Write spec/catalog.json: the expected catalog, so that production is verified without a scratch server
///
/// Commit it: a review then shows what a change of the spec does to the database.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The server's major [default: edu.toml's]
    #[arg(long, value_name = "N")]
    major: Option<u16>,
    /// A server to make scratch databases on [default: an embedded one, ended afterwards]
    #[arg(long, value_name = "URL")]
    scratch_url: Option<String>,
    /// Write nothing; exit with 3 when the file is not what would be written
    #[arg(long)]
    check: bool,
}

/// Runs the command.
///
/// # Errors
/// Those of the project's files, with the place; exit 3 with `--check`.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let project = invocation.project()?;
    let Origin::Folder(root) = &project.origin else {
        return Err(Failure::usage("a snapshot belongs into a project's folder")
            .hint("Go to the project's folder, or give --project DIR."));
    };
    let sources = Sources::load(&project)?;
    let major = args.major.unwrap_or(project.manifest.server.major);
    let scratch = expected::scratch_server(
        invocation,
        &project.manifest.needs(),
        args.scratch_url.as_deref(),
        major,
    )?;
    let report = |progress| invocation.ui.hear(progress);
    let (catalog, attempted) = invocation.block_on(async {
        let build = expected::build(&scratch, &project, &sources, From::Spec, &report);
        Ok((
            build.await?,
            attempts(&scratch, &project, &sources, &report).await?,
        ))
    })?;
    let isolation = settled(attempted, invocation);
    let objects = catalog.objects.len();
    let snapshot = Snapshot {
        spec: sources.hash.clone(),
        catalog,
        isolation,
    };
    let text = snapshot.write()?;
    let same = project.file(SNAPSHOT).is_some_and(|file| file.text == text);
    if same {
        invocation
            .ui
            .answer(format!("{SNAPSHOT} is up to date ({objects} objects)"));
        return Ok(Exit::Done);
    }
    if args.check {
        let why = match project.file(SNAPSHOT) {
            None => format!("{SNAPSHOT} does not exist"),
            Some(_) => format!("{SNAPSHOT} is not what the project's files give"),
        };
        invocation.ui.answer(why);
        invocation.ui.status("write it with: edu db snapshot");
        return Ok(Exit::Drift);
    }
    let path = root.join(SNAPSHOT);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .map_err(|error| Failure::io(format!("create \"{}\"", folder.display()), &error))?;
    }
    std::fs::write(&path, text)
        .map_err(|error| Failure::io(format!("write \"{SNAPSHOT}\""), &error))?;
    invocation
        .ui
        .answer(format!("wrote {SNAPSHOT} ({objects} objects)"));
    Ok(Exit::Done)
}

/// Attempts to reach foreign rows, where the project promises that they fail. Those of the committed
/// file are not made again while posture and promise stay.
async fn attempts(
    scratch: &ScratchServer,
    project: &Project,
    sources: &Sources,
    report: Report<'_>,
) -> Result<Option<Attempted>> {
    let Some(promise) = Promise::of(project)? else {
        return Ok(None);
    };
    let known = match project.file(SNAPSHOT) {
        Some(file) => Snapshot::read(&file.text)?.and_then(|snapshot| snapshot.isolation),
        None => None,
    };
    let made = attempted(scratch, project, sources, &promise, known.as_ref(), report);
    made.await.map(Some)
}

/// What is committed of the attempts: nothing where one succeeded.
fn settled(attempted: Option<Attempted>, invocation: &Invocation) -> Option<Isolation> {
    let Attempted {
        isolation,
        findings,
    } = attempted?;
    if findings.is_empty() {
        return Some(isolation);
    }
    invocation.ui.warn(format!(
        "{} of {} attempts to reach foreign rows showed something, so they are not recorded: edu db rls",
        findings.len(),
        isolation.attempts
    ));
    None
}
