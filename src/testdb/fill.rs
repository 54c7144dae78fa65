//! What a template holds: the project's files applied to an empty database, its seed rows, and the
//! proof that the outcome is what the spec says.

use time::OffsetDateTime;

use super::site::{Seeds, Site};
use crate::catalog::Catalog;
use crate::diff::accept::accept;
use crate::diff::forgive::forgive_newer_extensions;
use crate::diff::{Difference, Severity, compare};
use crate::expected::committed;
use crate::failure::{Exit, Failure, Result};
use crate::pg::scratch::{self, From};
use crate::pg::seed::{self, Ending, MadeKey};
use crate::pg::testdb::{Admin, Held, Template};
use crate::pg::{Server, Work, inspect, session};
use crate::progress::{Progress, Report};
use crate::spec::manifest::Accept;
use crate::sql::fingerprint::{bytes_checksum, checksum};

/// Nobody else works on a template that is being built.
const LOCK_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(300);

/// How many differences a failure names.
const DIFFERENCES_MAX: usize = 8;

/// The hash of all that decides what a template becomes. `versions` are the server's.
///
/// # Errors
/// Exit 2 with the place that is wrong in the seed rows.
pub(super) fn hash(site: &Site, versions: &str) -> Result<String> {
    let mut parts = vec![
        format!("edu {}", env!("CARGO_PKG_VERSION")),
        versions.to_owned(),
        format!("{:?}", site.project.manifest),
    ];
    let seeds = match site.profile() {
        Some(profile) => format!("seeds/{profile}/"),
        None => String::new(),
    };
    parts.push(seeds.clone());
    for document in &site.project.documents {
        let path = document.path.as_str();
        let counts = ["migrations/", "spec/", "graph/"]
            .iter()
            .any(|folder| path.starts_with(folder));
        if counts || (!seeds.is_empty() && path.starts_with(&seeds)) {
            parts.push(format!("{path} {}", checksum(&document.text)));
        }
    }
    // Numbers that rows take from other files are part of the rows, wherever in the project they stand.
    let rows = site.profile().map(|profile| site.project.seed(profile));
    if let Some(rows) = rows.transpose()?.flatten() {
        for path in rows.arrays.keys() {
            let bytes = site.project.bytes(path)?;
            parts.push(format!("{path} {}", bytes_checksum(&bytes)));
        }
    }
    Ok(checksum(&parts.join("\n")))
}

/// Brings the empty database of `server` to the state that is cloned.
///
/// # Errors
/// Those of the files, with the place; exit 3 when the outcome is not what the spec says.
pub(super) async fn fill(site: &Site, server: &Server, report: Report<'_>) -> Result<()> {
    report(Progress::Note(format!(
        "building the template of {} ({})",
        site.project.manifest.name,
        site.project.place()
    )));
    let wanted = site.sources.wanted(&site.project);
    scratch::fill(server, &wanted, From::Migrations(None), report).await?;
    if let Some(profile) = site.profile() {
        let rows = site
            .project
            .seed(profile)?
            .ok_or_else(|| no_profile(site, profile))?;
        let mut work = Work::begin(server, "edu testdb", LOCK_TIMEOUT, report).await?;
        let ontology = site.project.ontology()?;
        let source = seed::Source {
            manifest: &site.project.manifest,
            ontology: ontology.as_ref(),
            seed: &rows,
        };
        let outcome = seed::run(&mut work.connection, source, Ending::Kept, report).await?;
        work.end().await;
        if let Some(words) = unknown(&outcome.keys) {
            report(Progress::Note(words));
        }
    }
    verify(site, server, report).await
}

/// What is said of keys that were made: a template's clones would all have the same ones, and outlive whatever
/// showed them. So nobody gets to know them.
fn unknown(keys: &[MadeKey]) -> Option<String> {
    let first = keys.first()?;
    let more = match keys.len() {
        1 => String::new(),
        n => format!(" and {} more", n - 1),
    };
    Some(format!(
        "seed rows made a key for {}.{}{more}, which nobody knows now: where tests need one, let their profile hold the hash of a key that they know ({{ sha256 = \"…\" }}), or insert one",
        first.table, first.column
    ))
}

fn no_profile(site: &Site, name: &str) -> Failure {
    Failure::usage(format!("seed profile \"{name}\" has no files"))
        .detail(format!(
            "Looked for seeds/{name}/*.toml in the project ({}).",
            site.project.place()
        ))
        .hint("Name an existing folder under seeds/ with --profile, or give --no-seed.")
}

/// Compares the filled database with the spec, as `edu db verify` does.
async fn verify(site: &Site, server: &Server, report: Report<'_>) -> Result<()> {
    if !site.sources.has_schema() {
        report(Progress::Note(
            "not verified: the project has no spec/schema/*.sql to compare with".to_owned(),
        ));
        return Ok(());
    }
    report(Progress::stage("verifying the template"));
    let manifest = &site.project.manifest;
    let (mut connection, identity) = session::open(server, "edu testdb").await?;
    let expected = match committed(&site.project, &site.sources, identity.major())? {
        Some(catalog) => catalog,
        None => expected(site, report).await?,
    };
    let live = inspect::of_project(&mut connection, manifest, &expected.roles()).await?;
    let mut differences = compare(&expected, &live);
    forgive_newer_extensions(&mut differences, &manifest.extensions);
    let today = OffsetDateTime::now_utc().date().to_string();
    let mut found = accept(differences, &manifest.accept, &today, accepted).left;
    found.retain(|difference| difference.severity != Severity::Note);
    report(Progress::Done);
    if found.is_empty() {
        return Ok(());
    }
    let mut failure = Failure::new(
        Exit::Drift,
        format!(
            "the template is not what the spec says: {} differences",
            found.len()
        ),
    );
    for difference in found.iter().take(DIFFERENCES_MAX) {
        failure = failure.detail(format!("{}: {}", difference.id, difference.words()));
    }
    Err(failure
        .detail("The template was dropped again.")
        .hint("See all of them: edu db verify --project-only"))
}

/// Whether an entry of edu.toml is about a difference.
fn accepted(accept: &Accept, difference: &Difference) -> bool {
    let facet = accept.facet.as_deref();
    accept.object == difference.id.to_string()
        && facet.is_none_or(|facet| facet == difference.facet())
}

/// The catalog that the spec gives, made on a database of this server that is dropped again, and that
/// is left over for all to see should this process be killed.
async fn expected(site: &Site, report: Report<'_>) -> Result<Catalog> {
    let admin = Admin::open(&site.server, site.path).await?;
    let manifest = &site.project.manifest;
    let template = Template::empty(&manifest.name, &admin.identity.user);
    let held = Held::create(admin, &template, &site.owner, site.path).await?;
    let wanted = site.sources.wanted(&site.project);
    let outcome = async {
        scratch::fill(&held.server, &wanted, From::Spec, report).await?;
        let (mut connection, _) = session::open(&held.server, "edu testdb").await?;
        inspect::of_project(&mut connection, manifest, &[]).await
    }
    .await;
    held.drop_it().await?;
    outcome
}

impl Site {
    /// The seed profile, if there are rows to write.
    pub(super) fn profile(&self) -> Option<&str> {
        match &self.seeds {
            Seeds::None => None,
            Seeds::Profile(name) => Some(name),
            Seeds::Default => {
                let any = self
                    .project
                    .documents
                    .iter()
                    .any(|d| d.path.starts_with("seeds/dev/"));
                any.then_some("dev")
            }
        }
    }
}
