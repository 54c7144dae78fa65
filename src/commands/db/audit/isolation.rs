//! Isolation: checks and proof on the database itself; attempts on a scratch database of the same posture.

use super::super::isolation::{Attempted, Promise, attempted, promise_hash, shared};
use super::{Depth, Part, Run, Told, Whole, counted, expected};
use crate::catalog::snapshot::Isolation;
use crate::failure::Result;
use crate::finding::{Finding, Level};
use crate::pg::{rls, session};
use crate::posture::finding::Severity;
use crate::posture::{Posture, fingerprint};
use crate::{check, proof};

impl Run<'_> {
    /// Returns whether the project makes a promise about isolation.
    pub(super) fn isolation(&mut self) -> Result<bool> {
        let project = self.audit.project;
        let Some(promise) = Promise::of(project)? else {
            return Ok(false);
        };
        if !self.ready(Part::Isolation) {
            return Ok(true);
        }
        let outcome = self.audit.invocation.block_on(async {
            let (mut connection, _) = session::open(self.audit.server, "edu db verify").await?;
            rls::posture(&mut connection, &promise.question(project)).await
        });
        let Some(posture) = self.unseen(Part::Isolation, outcome)? else {
            return Ok(true);
        };
        let scene = promise.scene(&posture, project);
        let judged = proof::judge(&scene);
        let cases = judged.len();
        let mut found = check::run(&scene);
        found.extend(proof::findings(&scene, &judged));
        let (attempts, of_attempts) = self.attempts(&posture, &promise)?;
        let found = found
            .iter()
            .filter(|finding| finding.severity != Severity::Info)
            .map(shared)
            .chain(of_attempts);
        self.told
            .extend(found.map(|finding| Told::by_code(Part::Isolation, grouped(finding))));
        self.note(format!(
            "isolation: {} checks, {cases} cases proved, {attempts}",
            check::ALL.len()
        ));
        Ok(true)
    }

    /// What attempts showed, in words, and what they found.
    fn attempts(&mut self, live: &Posture, promise: &Promise) -> Result<(String, Vec<Finding>)> {
        let major = u16::try_from(live.server_version / 10_000).unwrap_or(0);
        let hash = promise_hash(self.audit.project);
        let recorded = self
            .committed
            .as_ref()
            .filter(|snapshot| snapshot.catalog.major == major)
            .and_then(|snapshot| snapshot.isolation.clone())
            .filter(|isolation| isolation.promise == hash);
        match (self.audit.depth, recorded) {
            (Depth::Quick, None) => {
                self.verdict.left.push("attempts (edu db rls)".to_owned());
                Ok(("no attempts".to_owned(), Vec::new()))
            }
            (Depth::Whole(Whole { fresh: false, .. }) | Depth::Quick, Some(recorded)) => {
                let where_from = format!("recorded in {}", expected::SNAPSHOT);
                Ok(speaks_for(&recorded, live, &where_from))
            }
            (Depth::Whole(whole), _) => self.attempt_now(whole, live, promise, major),
        }
    }

    fn attempt_now(
        &self,
        whole: Whole<'_>,
        live: &Posture,
        promise: &Promise,
        major: u16,
    ) -> Result<(String, Vec<Finding>)> {
        let (invocation, project) = (self.audit.invocation, self.audit.project);
        let scratch = expected::scratch_server(
            invocation,
            &project.manifest.needs(),
            whole.scratch_url,
            major,
        )?;
        let Attempted {
            isolation,
            findings,
        } = invocation.block_on(async {
            let hear = |progress| invocation.ui.hear(progress);
            crate::pg::scratch::insist_on_major(&scratch.server, major).await?;
            attempted(&scratch, project, &self.sources, promise, None, &hear).await
        })?;
        let (words, mut all) = speaks_for(&isolation, live, "made now");
        all.extend(findings.iter().map(shared));
        Ok((words, all))
    }
}

/// The code for attempts that do not speak for a database.
pub(super) const POSTURE_DIFFERS: &str = "posture-differs";

/// Whether attempts on a database of a recorded posture speak for this one.
fn speaks_for(made: &Isolation, live: &Posture, where_from: &str) -> (String, Vec<Finding>) {
    let attempts = counted(made.attempts, "attempt", "attempts");
    if fingerprint::fingerprint(live) == made.posture {
        let words = format!("{attempts} on a scratch database of the same posture ({where_from})");
        return (words, Vec::new());
    }
    let finding = Finding {
        code: POSTURE_DIFFERS.to_owned(),
        level: Level::Error,
        group: "isolation".to_owned(),
        object: "the posture".to_owned(),
        message: "it is not that of a database built from the migrations".to_owned(),
        consequence: "attempts on such a database do not speak for this one".to_owned(),
        hint: Some("See what differs, and make the attempts: edu db rls".to_owned()),
        repair: None,
        path: Some("spec/access.toml".to_owned()),
        place: None,
    };
    let words = format!("{attempts} on a scratch database of another posture ({where_from})");
    (words, vec![finding])
}

/// Grouped with what the report says of the same table.
fn grouped(mut finding: Finding) -> Finding {
    if let Some((_, table)) = finding.object.rsplit_once(" on ") {
        finding.group = table.to_owned();
    }
    finding
}
