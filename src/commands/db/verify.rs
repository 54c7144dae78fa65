//! `edu db verify`

use std::collections::BTreeSet;

use super::audit::{Audit, Depth, Part, Whole};
use super::expected::{self, Sources};
use super::{Invocation, Target, findings};
use crate::diff::compare;
use crate::failure::{Exit, Result};
use crate::finding::Findings;
use crate::pg::scratch::From;
use crate::report::Output;

/// Whether the live database is exactly what the project's files say, and where not
///
/// One report: every object against the spec; what edu db graph verify, edu db index status and edu db rls
/// find. Never writes to the database. Exits with 3 when anything differs or migrations are pending, with
/// 4 when the schema history contradicts the files. A role without privileges can run it; what it
/// may not see is said.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// Judge these parts only [default: all that the project has]
    #[arg(
        long,
        value_name = "PART",
        value_delimiter = ',',
        conflicts_with = "project_only"
    )]
    only: Vec<Part>,
    /// Compare the migrations with the spec, on scratch databases; no live database is touched
    #[arg(long)]
    project_only: bool,
    /// A server to make scratch databases on [default: an embedded one, ended afterwards]
    #[arg(long, value_name = "URL")]
    scratch_url: Option<String>,
    /// Make the expected catalog and the attempts anew, even where spec/catalog.json fits
    #[arg(long)]
    fresh: bool,
    /// Fail on objects that edu has no model for
    #[arg(long)]
    strict_coverage: bool,
    /// How to print the report, repeatable: text, json, junit, sarif, github, markdown
    #[arg(long, value_name = "FORMAT[=FILE]")]
    output: Vec<Output>,
}

/// Runs the command.
///
/// # Errors
/// Exit 7 when a server cannot be reached; those of the project's files, with the place.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    if args.project_only {
        return project_only(args, invocation);
    }
    let project = invocation.project_for(&args.target)?;
    let server = invocation.server(&args.target, &project)?;
    let parts: BTreeSet<Part> = match args.only.as_slice() {
        [] => Part::ALL.into(),
        only => only.iter().copied().collect(),
    };
    let audit = Audit {
        invocation,
        project: &project,
        server: &server,
        parts,
        depth: Depth::Whole(Whole {
            fresh: args.fresh,
            scratch_url: args.scratch_url.as_deref(),
            strict_coverage: args.strict_coverage,
        }),
    };
    let verdict = audit.run()?;
    findings::tell(&verdict.report, &args.output, invocation)?;
    Ok(verdict.exit)
}

/// spec = migrations: both on scratch databases, read by one reader.
fn project_only(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let project = invocation.project()?;
    let sources = Sources::load(&project)?;
    let major = args.target.major.unwrap_or(project.manifest.server.major);
    let scratch = expected::scratch_server(
        invocation,
        &project.manifest.needs(),
        args.scratch_url.as_deref(),
        major,
    )?;
    let (spec, migrations) = invocation.block_on(async {
        let hear = |progress| invocation.ui.hear(progress);
        let spec = expected::build(&scratch, &project, &sources, From::Spec, &hear).await?;
        let migrations =
            expected::build(&scratch, &project, &sources, From::Migrations(None), &hear).await?;
        Ok((spec, migrations))
    })?;
    let mut report = Findings {
        command: "edu db verify --project-only".to_owned(),
        target: format!("spec = migrations (PostgreSQL {major})"),
        ..Findings::default()
    };
    for difference in compare(&spec, &migrations) {
        let mut finding =
            findings::finding(&difference, &spec, &migrations, &project.manifest.database);
        finding.path = Some("migrations".to_owned());
        report.findings.push(finding);
    }
    findings::tell(&report, &args.output, invocation)?;
    Ok(if report.failing() == 0 {
        Exit::Done
    } else {
        Exit::Drift
    })
}
