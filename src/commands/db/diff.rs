//! `edu db diff`

use std::path::Path;

use super::expected::{self, Sources};
use super::{Invocation, findings};
use crate::catalog::Catalog;
use crate::diff::compare;
use crate::failure::{Exit, Result};
use crate::finding::Findings;
use crate::pg::scratch::From;
use crate::pg::{Server, inspect, session};
use crate::project::{Home, Project};
use crate::report::Output;

/// What differs between two databases, two projects, or one of each
///
/// Exits with 3 when anything differs. Nothing is written to either.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What is expected: a connection URL or a project's folder
    #[arg(value_name = "URL|DIR")]
    expected: String,
    /// What is compared with it: a connection URL or a project's folder
    #[arg(value_name = "URL|DIR")]
    actual: String,
    /// A server to make scratch databases on [default: an embedded one, ended afterwards]
    #[arg(long, value_name = "URL")]
    scratch_url: Option<String>,
    /// How to print the report, repeatable: text, json, junit, sarif, github, markdown
    #[arg(long, value_name = "FORMAT[=FILE]")]
    output: Vec<Output>,
}

/// Runs the command.
///
/// # Errors
/// Exit 7 when a server cannot be reached; those of a project's files, with the place.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let (wanted, wanted_name) = side(&args.expected, None, args, invocation)?;
    let (found, found_name) = side(&args.actual, Some(wanted.major), args, invocation)?;
    let mut report = Findings {
        command: "edu db diff".to_owned(),
        target: format!("{wanted_name} and {found_name}"),
        ..Findings::default()
    };
    let database = found_name.rsplit('/').next().unwrap_or(&found_name);
    for difference in compare(&wanted, &found) {
        let finding = findings::finding(&difference, &wanted, &found, database);
        report.findings.push(finding);
    }
    for unseen in wanted.unseen.iter().chain(&found.unseen) {
        report.notes.push(format!("not seen: {unseen}"));
    }
    findings::tell(&report, &args.output, invocation)?;
    Ok(if report.failing() == 0 {
        Exit::Done
    } else {
        Exit::Drift
    })
}

/// One side's catalog and name. A folder's catalog is made on a server of the other side's major.
fn side(
    text: &str,
    major: Option<u16>,
    args: &Args,
    invocation: &Invocation,
) -> Result<(Catalog, String)> {
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        let server = Server::from_url(text, "the argument")?;
        let catalog = invocation.block_on(async {
            let (mut connection, _) = session::open(&server, "edu db diff").await?;
            inspect::inspect(&mut connection, &[]).await
        })?;
        return Ok((catalog, server.place()));
    }
    let project = Home::read(Path::new(text)).and_then(Project::load)?;
    let sources = Sources::load(&project)?;
    let major = major.unwrap_or(project.manifest.server.major);
    if let Some(catalog) = expected::committed(&project, &sources, major)? {
        return Ok((catalog, text.to_owned()));
    }
    let scratch = expected::scratch_server(
        invocation,
        &project.manifest.needs(),
        args.scratch_url.as_deref(),
        major,
    )?;
    let hear = |progress| invocation.ui.hear(progress);
    let catalog = invocation.block_on(expected::build(
        &scratch,
        &project,
        &sources,
        From::Spec,
        &hear,
    ))?;
    Ok((catalog, text.to_owned()))
}
