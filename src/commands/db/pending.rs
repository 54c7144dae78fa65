//! How far the history of a database that is verified has come.

use super::Invocation;
use super::expected::Sources;
use crate::catalog::{Catalog, Kind};
use crate::failure::{Exit, Failure, Result};
use crate::finding::{Finding, Findings, Level};
use crate::pg::migrate::history::{self, Applied};

/// What was read from the live database.
pub(super) struct Live {
    pub catalog: Catalog,
    pub history: Option<Vec<Applied>>,
    pub running: Option<String>,
}

/// How far the database's history has come.
pub(super) enum Stage {
    /// History and files contradict each other.
    Conflict(Failure),
    /// No migration is applied.
    Nothing(Vec<Finding>),
    /// Applied up to a version; the rest is pending.
    At(i64, Vec<Finding>),
    /// Everything is applied, or the history may not be seen.
    Complete,
}

/// Reads the stage from what was found.
///
/// # Errors
/// Exit 2 when refinery does not take a file's name.
pub(super) fn stage(live: &Live, sources: &Sources, invocation: &Invocation) -> Result<Stage> {
    let Some(applied) = &live.history else {
        return Ok(Stage::Complete);
    };
    let pending = invocation.block_on(history::pending(applied, &sources.migrations));
    let pending = match pending {
        Ok(pending) => pending,
        Err(failure) if failure.exit == Exit::History => return Ok(Stage::Conflict(failure)),
        Err(failure) => return Err(failure),
    };
    let findings: Vec<Finding> = pending
        .iter()
        .map(|migration| Finding {
            code: "migration-pending".to_owned(),
            level: Level::Error,
            group: "the schema history".to_owned(),
            object: format!("migration V{}", migration.version),
            message: format!("\"{}\" is not applied", migration.up.document.path),
            consequence: "what it makes is not there yet".to_owned(),
            hint: Some(
                if migration.needs_superuser() {
                    "edu db bootstrap"
                } else {
                    "edu db migrate"
                }
                .to_owned(),
            ),
            repair: None,
            path: Some(migration.up.document.path.clone()),
            place: None,
        })
        .collect();
    Ok(match (findings.is_empty(), applied.last()) {
        (true, _) => Stage::Complete,
        (false, None) => Stage::Nothing(findings),
        (false, Some(last)) => Stage::At(last.version, findings),
    })
}

/// A contradiction as a finding.
pub(super) fn conflict(failure: &Failure) -> Finding {
    Finding {
        code: "history-conflict".to_owned(),
        level: Level::Critical,
        group: "the schema history".to_owned(),
        object: "the schema history".to_owned(),
        message: failure.error.clone(),
        consequence: failure.detail.join(" "),
        hint: failure.hint.clone(),
        repair: None,
        path: None,
        place: None,
    }
}

/// A database that is as the spec says and has no history at all was made by other means: nothing is
/// pending there, it only has to be adopted.
pub(super) fn adopt(live: &Live, report: &mut Findings) {
    let made = live.catalog.of(Kind::Table).next().is_some();
    let no_history = live.history.as_ref().is_some_and(Vec::is_empty);
    let clean = report
        .findings
        .iter()
        .all(|f| f.level == Level::Note || f.code == "migration-pending");
    if !(made && no_history && clean) {
        return;
    }
    for finding in &mut report.findings {
        if finding.code == "migration-pending" {
            finding.level = Level::Note;
            "the database has what it makes, and no history".clone_into(&mut finding.consequence);
            finding.hint = Some("edu db baseline".to_owned());
        }
    }
}
