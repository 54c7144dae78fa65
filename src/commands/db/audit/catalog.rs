//! The catalog: every object against the expected one.

use std::collections::BTreeMap;

use super::super::pending::{Live, Stage, adopt, conflict, stage};
use super::{Depth, Part, Run, Told, expected, findings};
use crate::catalog::{Catalog, Kind};
use crate::diff::{Change, Difference, compare};
use crate::failure::{Exit, Result};
use crate::finding::{Finding, Level};
use crate::pg::lock::Purpose;
use crate::pg::migrate::history;
use crate::pg::scratch::From;
use crate::pg::{Server, holder, inspect};
use crate::project::Project;

impl Run<'_> {
    /// Reads the database and compares it with what is wanted of it at the stage it has come to.
    pub(super) fn catalog(&mut self) -> Result<Live> {
        let audit = self.audit;
        let (server, project) = (audit.server, audit.project);
        let mut live = audit.invocation.block_on(look(server, project, &[]))?;
        if let Some(from) = self.stage(&live)?
            && let Some(wanted) = self.wanted(&live, from)?
        {
            self.verdict.judged.push(Part::Catalog);
            let differences = differ(&wanted, &mut live, server, project);
            let mut differences = audit.invocation.block_on(differences)?;
            findings::forgive_newer_extensions(&mut differences, &project.manifest.extensions);
            for difference in &differences {
                let finding =
                    findings::finding(difference, &wanted, &live.catalog, server.database());
                let facet = difference.facet().to_owned();
                self.told.push(Told {
                    part: Part::Catalog,
                    finding,
                    facet,
                });
            }
        }
        Ok(live)
    }

    /// What the database is compared with, if it can be; and what is pending.
    fn stage(&mut self, live: &Live) -> Result<Option<From>> {
        let report = &mut self.verdict.report;
        Ok(match stage(live, &self.sources, self.audit.invocation)? {
            Stage::Conflict(failure) => {
                report.findings.push(conflict(&failure));
                self.verdict.exit = Exit::History;
                Some(From::Spec)
            }
            Stage::Nothing(pending) => {
                report.findings.extend(pending);
                // A database that was made by other means is compared whole.
                self.complete = live.catalog.of(Kind::Table).next().is_some();
                self.complete.then_some(From::Spec)
            }
            Stage::At(version, pending) => {
                report.notes.push(format!(
                    "compared with what the migrations give up to V{version}; graph and vector indexes follow the last one"
                ));
                report.findings.extend(pending);
                self.complete = false;
                Some(From::Migrations(Some(version)))
            }
            Stage::Complete => Some(From::Spec),
        })
    }

    /// The expected catalog: the committed one where it fits, else one made now. Nothing where one
    /// would have to be made and there is no time.
    fn wanted(&mut self, live: &Live, from: From) -> Result<Option<Catalog>> {
        let major = live.catalog.major;
        let fits = self.committed.as_ref().filter(|snapshot| {
            let fresh = matches!(self.audit.depth, Depth::Whole(whole) if whole.fresh);
            from == From::Spec && !fresh && snapshot.catalog.major == major
        });
        if let Some(snapshot) = fits {
            let catalog = snapshot.catalog.clone();
            self.note(format!(
                "expected: {} (PostgreSQL {major})",
                expected::SNAPSHOT
            ));
            return Ok(Some(catalog));
        }
        let Depth::Whole(whole) = self.audit.depth else {
            let left = format!(
                "catalog ({} is not for this: edu db snapshot)",
                expected::SNAPSHOT
            );
            self.verdict.left.push(left);
            return Ok(None);
        };
        let (invocation, project) = (self.audit.invocation, self.audit.project);
        let scratch = expected::scratch_server(
            invocation,
            &project.manifest.needs(),
            whole.scratch_url,
            major,
        )?;
        self.note(format!(
            "expected: made from the project's files on a scratch database (PostgreSQL {major})"
        ));
        let built = invocation.block_on(async {
            let hear = |progress| invocation.ui.hear(progress);
            crate::pg::scratch::insist_on_major(&scratch.server, major).await?;
            expected::build(&scratch, project, &self.sources, from, &hear).await
        })?;
        Ok(Some(built))
    }

    /// What could not be seen or is not modelled, and a run in progress.
    pub(super) fn tell_of_live(&mut self, live: &Live) {
        let report = &mut self.verdict.report;
        adopt(live, report);
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
        let strict = matches!(self.audit.depth, Depth::Whole(whole) if whole.strict_coverage);
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
                place: None,
            });
        }
    }
}

/// Reads catalog, history and lock. Nothing is written.
async fn look(server: &Server, project: &Project, more: &[String]) -> Result<Live> {
    let mut pair = inspect::Pair::open(server, "edu db verify").await?;
    let running = holder::find(&mut pair.first, Purpose::Change)
        .await?
        .map(|holder| holder.to_string());
    let mut catalog = pair.of_project(&project.manifest, more).await?;
    let history = if history::readable(&mut pair.first).await? {
        Some(history::read(&mut pair.first).await?)
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
