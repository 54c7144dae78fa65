//! What `edu.toml` accepts.

use time::OffsetDateTime;

use super::isolation::POSTURE_DIFFERS;
use super::{Part, Run, Told, counted};
use crate::diff::accept::accept;
use crate::finding::{Finding, Level};
use crate::spec::manifest::Accept;

impl Run<'_> {
    /// Moves what is not accepted into the report. An acceptance that fits nothing is a finding, once
    /// everything that it could fit was looked at.
    pub(super) fn settle_accepted(&mut self) {
        let list = &self.audit.project.manifest.accept;
        let today = OffsetDateTime::now_utc().date().to_string();
        let fits = |accept: &Accept, told: &Told| {
            accept.object == told.finding.object
                && accept
                    .facet
                    .as_ref()
                    .is_none_or(|facet| *facet == told.facet)
        };
        let verdict = accept(std::mem::take(&mut self.told), list, &today, fits);
        self.settle_following(verdict.left, verdict.accepted > 0);
        let report = &mut self.verdict.report;
        let whole = Part::ALL.iter().all(|part| self.audit.parts.contains(part))
            && self.verdict.left.is_empty();
        if whole {
            for at in &verdict.unused {
                let finding = entry(&list[*at], "acceptance-unused", "nothing differs there");
                report.findings.push(finding);
            }
        }
        for at in &verdict.expired {
            let finding = entry(&list[*at], "acceptance-expired", "its day has passed");
            report.findings.push(finding);
        }
        if verdict.accepted > 0 {
            let note = format!("accepted by edu.toml: {}", verdict.accepted);
            report.notes.push(note);
        }
    }

    /// What lies at an object that differs from the spec follows from that, and is counted only: the
    /// difference is what has to be mended. An accepted difference may change the posture; what that opens
    /// is found by checks and proof on the database itself.
    fn settle_following(&mut self, left: Vec<Told>, accepted: bool) {
        let differs = |told: &Told| told.part == Part::Catalog && told.finding.level != Level::Note;
        let (differing, others): (Vec<Told>, Vec<Told>) = left.into_iter().partition(differs);
        let differing: Vec<Finding> = differing.into_iter().map(|told| told.finding).collect();
        let (following, own): (Vec<Told>, Vec<Told>) = others.into_iter().partition(|told| {
            told.follows(&differing) || accepted && told.finding.code == POSTURE_DIFFERS
        });
        for part in Part::ALL {
            let count = following.iter().filter(|told| told.part == part).count();
            if count > 0 {
                self.note(format!(
                    "{}: {} from the differences above ({})",
                    part.as_str(),
                    counted(count, "finding follows", "findings follow"),
                    part.command()
                ));
            }
        }
        let findings = &mut self.verdict.report.findings;
        findings.extend(differing);
        findings.extend(own.into_iter().map(|told| told.finding));
    }
}

fn entry(accept: &Accept, code: &str, message: &str) -> Finding {
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
        place: None,
    }
}
