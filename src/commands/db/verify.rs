//! `edu db verify`

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::expected::{self, Sources};
use super::pending::{Live, Stage, adopt, conflict, stage};
use super::{Invocation, Target, findings};
use crate::catalog::{Catalog, Kind};
use crate::diff::accept::accept;
use crate::diff::{Change, Difference, compare};
use crate::failure::{Exit, Result};
use crate::finding::{Finding, Findings, Level};
use crate::pg::lock::Purpose;
use crate::pg::migrate::history;
use crate::pg::scratch::From;
use crate::pg::{Server, holder, inspect, session};
use crate::project::Project;
use crate::report::Output;
use crate::spec::manifest::Accept;

/// Whether the live database is exactly what the project's files say, and where not
///
/// Never writes to the database. Exits with 3 when anything differs or migrations are pending, with
/// 4 when the schema history contradicts the files. A role without privileges can run it; what it
/// may not see is said.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// Compare the migrations with the spec, on scratch databases; no live database is touched
    #[arg(long)]
    project_only: bool,
    /// A server to make scratch databases on [default: an embedded one, ended afterwards]
    #[arg(long, value_name = "URL")]
    scratch_url: Option<String>,
    /// Make the expected catalog anew, even where spec/catalog.json fits
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
    let sources = Sources::load(&project)?;
    let server = invocation.server(&args.target, &project)?;
    let mut live = invocation.block_on(look(&server, &project, &[]))?;
    let mut report = Findings {
        command: "edu db verify".to_owned(),
        target: format!("database {}", server.database()),
        ..Findings::default()
    };
    let mut exit = Exit::Done;
    let from = match stage(&live, &sources, invocation)? {
        Stage::Conflict(failure) => {
            report.findings.push(conflict(&failure));
            exit = Exit::History;
            Some(From::Spec)
        }
        Stage::Nothing(pending) => {
            report.findings.extend(pending);
            // A database that was made by other means is compared whole.
            let made = live.catalog.of(Kind::Table).next().is_some();
            made.then_some(From::Spec)
        }
        Stage::At(version, pending) => {
            report.notes.push(format!(
                "compared with what the migrations give up to V{version}; graph and vector indexes follow the last one"
            ));
            report.findings.extend(pending);
            Some(From::Migrations(Some(version)))
        }
        Stage::Complete => Some(From::Spec),
    };
    if let Some(from) = from {
        let wanted = wanted(
            args,
            invocation,
            &project,
            &sources,
            &live,
            from,
            &mut report,
        )?;
        let differences = invocation.block_on(differ(&wanted, &mut live, &server, &project))?;
        judge(
            differences,
            &wanted,
            &live.catalog,
            &project,
            server.database(),
            &mut report,
        );
    }
    adopt(&live, &mut report);
    said(&live, args.strict_coverage, &mut report);
    report.findings.sort_by_key(|finding| finding.level);
    findings::tell(&report, &args.output, invocation)?;
    Ok(match (exit, report.failing()) {
        (Exit::Done, 0) => Exit::Done,
        (Exit::Done, _) => Exit::Drift,
        (exit, _) => exit,
    })
}

/// Reads catalog, history and lock. One connection, nothing written.
async fn look(server: &Server, project: &Project, more: &[String]) -> Result<Live> {
    let (mut connection, _) = session::open(server, "edu db verify").await?;
    let running = holder::find(&mut connection, Purpose::Change)
        .await?
        .map(|holder| holder.to_string());
    let mut catalog = inspect::of_project(&mut connection, &project.manifest, more).await?;
    let history = if history::readable(&mut connection).await? {
        Some(history::read(&mut connection).await?)
    } else {
        catalog
            .unseen
            .push("the schema history: the role may not read it".to_owned());
        None
    };
    Ok(Live {
        catalog,
        history,
        running,
    })
}

/// The differences. A role that the database does not mention any more may still be there: it is looked
/// for by its name before it is called missing.
async fn differ(
    wanted: &Catalog,
    live: &mut Live,
    server: &Server,
    project: &Project,
) -> Result<Vec<Difference>> {
    let differences = compare(wanted, &live.catalog);
    let role_missing = |d: &Difference| d.id.kind == Kind::Role && d.change == Change::Missing;
    if !differences.iter().any(role_missing) {
        return Ok(differences);
    }
    *live = look(server, project, &wanted.roles()).await?;
    Ok(compare(wanted, &live.catalog))
}

/// The expected catalog: the committed one where it fits, else one made now.
fn wanted(
    args: &Args,
    invocation: &Invocation,
    project: &Project,
    sources: &Sources,
    live: &Live,
    from: From,
    report: &mut Findings,
) -> Result<Catalog> {
    let major = live.catalog.major;
    let committed = if from == From::Spec && !args.fresh {
        expected::committed(project, sources, major)?
    } else {
        None
    };
    if let Some(catalog) = committed {
        report.notes.push(format!(
            "expected: {} (PostgreSQL {major})",
            expected::SNAPSHOT
        ));
        return Ok(catalog);
    }
    let scratch = expected::scratch_server(
        invocation,
        &project.manifest.needs(),
        args.scratch_url.as_deref(),
        major,
    )?;
    report.notes.push(format!(
        "expected: made from the project's files on a scratch database (PostgreSQL {major})"
    ));
    invocation.block_on(async {
        let hear = |progress| invocation.ui.hear(progress);
        crate::pg::scratch::insist_on_major(&scratch.server, major).await?;
        expected::build(&scratch, project, sources, from, &hear).await
    })
}

/// Turns differences into findings, minus what edu.toml accepts.
fn judge(
    mut differences: Vec<Difference>,
    wanted: &Catalog,
    found: &Catalog,
    project: &Project,
    database: &str,
    report: &mut Findings,
) {
    let manifest = &project.manifest;
    findings::forgive_newer_extensions(&mut differences, &manifest.extensions);
    let today = OffsetDateTime::now_utc().date().to_string();
    let verdict = accept(differences, &manifest.accept, &today);
    for difference in &verdict.differences {
        report
            .findings
            .push(findings::finding(difference, wanted, found, database));
    }
    let entry = |at: &usize, code: &str, message: &str| {
        let accept: &Accept = &manifest.accept[*at];
        Finding {
            code: code.to_owned(),
            level: Level::Error,
            group: "edu.toml".to_owned(),
            object: format!("acceptance of {}", accept.object),
            message: message.to_owned(),
            consequence: format!("its reason was: {}", accept.reason),
            hint: Some("remove the entry from edu.toml, or correct it".to_owned()),
            repair: None,
            path: Some("edu.toml".to_owned()),
        }
    };
    for at in &verdict.unused {
        report
            .findings
            .push(entry(at, "acceptance-unused", "nothing differs there"));
    }
    for at in &verdict.expired {
        report
            .findings
            .push(entry(at, "acceptance-expired", "its day has passed"));
    }
    if verdict.accepted > 0 {
        report
            .notes
            .push(format!("accepted by edu.toml: {}", verdict.accepted));
    }
}

/// What could not be seen or is not modelled, and a run in progress.
fn said(live: &Live, strict: bool, report: &mut Findings) {
    if let Some(holder) = &live.running {
        report.notes.push(format!(
            "a run is in progress, so nothing here counts as drift. {holder}"
        ));
        for finding in &mut report.findings {
            finding.level = Level::Note;
        }
    }
    for unseen in &live.catalog.unseen {
        report.notes.push(format!("not seen: {unseen}"));
    }
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for name in &live.catalog.unmodelled {
        *kinds.entry(name).or_default() += 1;
    }
    for name in kinds.keys() {
        report.findings.push(Finding {
            code: "not-modelled".to_owned(),
            level: if strict { Level::Error } else { Level::Note },
            group: "not modelled".to_owned(),
            object: (*name).to_owned(),
            message: "found, but edu has no model for this kind".to_owned(),
            consequence: "whether it differs from the spec is not known".to_owned(),
            hint: None,
            repair: None,
            path: None,
        });
    }
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
