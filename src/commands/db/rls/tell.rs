//! The report of `edu db rls`.

use std::fmt::Write as _;

use serde::Serialize;

use super::super::isolation::shared;
use crate::failure::Result;
use crate::finding;
use crate::posture::finding::{Engine, Finding, Severity};
use crate::posture::{Posture, fingerprint};
use crate::report::Format;
use crate::spec::access::Access;

/// The form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Form {
    /// For people.
    Text,
    /// For machines; versioned.
    Json,
    /// JUnit XML.
    Junit,
    /// SARIF 2.1.0.
    Sarif,
    /// GitHub Actions' annotations.
    Github,
    /// Markdown, for a comment or a job summary.
    Markdown,
}

/// What one engine did.
#[derive(Debug, Serialize)]
struct Ran {
    engine: Engine,
    cases: usize,
}

/// Everything that is told.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    version: u32,
    database: String,
    fingerprint: String,
    engines: Vec<Ran>,
    findings: Vec<Finding>,
    limits: Vec<String>,
    notes: Vec<String>,
}

impl Report {
    pub(super) fn new(posture: &Posture, access: &Access) -> Self {
        Self {
            version: 1,
            database: posture.database.clone(),
            fingerprint: fingerprint::fingerprint(posture),
            engines: Vec::new(),
            findings: Vec::new(),
            limits: access
                .limits
                .iter()
                .map(|limit| format!("{} ({})", limit.text, limit.objects.join(", ")))
                .collect(),
            notes: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, engine: Engine, cases: usize, findings: Vec<Finding>) {
        self.engines.push(Ran { engine, cases });
        self.findings.extend(findings);
        self.findings.sort_by(|a, b| {
            (a.severity, a.engine, a.id, &a.object).cmp(&(b.severity, b.engine, b.id, &b.object))
        });
    }

    /// The same in the shape that every command's reports have.
    fn shared(&self) -> finding::Findings {
        let limits = self
            .limits
            .iter()
            .map(|limit| format!("Not promised: {limit}"));
        finding::Findings {
            called: "findings",
            command: "edu db rls".to_owned(),
            target: self.database.clone(),
            findings: self.findings.iter().map(shared).collect(),
            notes: limits.chain(self.notes.iter().cloned()).collect(),
        }
    }

    pub(super) fn note(&mut self, notes: Vec<String>) {
        self.notes.extend(notes);
    }

    pub(super) fn keep(&mut self, wanted: impl Fn(&Finding) -> bool) {
        self.findings.retain(wanted);
    }

    /// The findings that make the run fail.
    pub(super) fn failing(&self) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.severity != Severity::Info)
            .count()
    }
}

/// The report as text.
///
/// # Errors
/// Exit 70 when it cannot be written in the form.
pub(super) fn render(report: &Report, form: Form) -> Result<String> {
    match form {
        Form::Json => Ok(serde_json::to_string_pretty(report).unwrap_or_default()),
        Form::Text => Ok(text(report)),
        Form::Junit => crate::report::render(&report.shared(), Format::Junit),
        Form::Sarif => crate::report::render(&report.shared(), Format::Sarif),
        Form::Github => crate::report::render(&report.shared(), Format::Github),
        Form::Markdown => crate::report::render(&report.shared(), Format::Markdown),
    }
}

fn text(report: &Report) -> String {
    let mut out = String::new();
    for finding in &report.findings {
        let level = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
        };
        let _ = writeln!(
            out,
            "{level}[{}] {}: {}",
            finding.id,
            finding.object,
            crate::ui::clean(&finding.message)
        );
        for (word, sql) in [("see", &finding.reproduce), ("fix", &finding.fix)] {
            if let Some(sql) = sql {
                let _ = writeln!(out, "  {word}: {}", crate::ui::clean(sql));
            }
        }
    }
    for limit in &report.limits {
        let _ = writeln!(out, "not promised: {limit}");
    }
    for note in &report.notes {
        let _ = writeln!(out, "note: {note}");
    }
    let engines: Vec<String> = report
        .engines
        .iter()
        .map(|ran| {
            let (name, what) = match ran.engine {
                Engine::Static => ("static", "checks"),
                Engine::Proof => ("proof", "cases"),
                Engine::Probe => ("probe", "attempts"),
            };
            format!("{name} {} {what}", ran.cases)
        })
        .collect();
    let found = match report.failing() {
        0 => "clean".to_owned(),
        1 => "1 finding".to_owned(),
        many => format!("{many} findings"),
    };
    let _ = write!(
        out,
        "{found}: {} ({}), posture {}",
        report.database,
        engines.join(", "),
        &report.fingerprint[..16.min(report.fingerprint.len())]
    );
    out
}
