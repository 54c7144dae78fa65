//! `edu db snapshot`

use super::Invocation;
use super::expected::{self, SNAPSHOT, Sources};
use crate::catalog::snapshot::Snapshot;
use crate::failure::{Exit, Failure, Result};
use crate::pg::scratch::From;
use crate::project::Origin;

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
    let catalog = invocation.block_on(expected::build(
        &scratch,
        &project,
        &sources,
        From::Spec,
        &report,
    ))?;
    let objects = catalog.objects.len();
    let snapshot = Snapshot {
        spec: sources.hash.clone(),
        catalog,
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
