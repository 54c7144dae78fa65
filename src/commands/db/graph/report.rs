//! Findings for people and for machines.

use super::{Invocation, Output};
use crate::failure::Exit;
use crate::graph::{Finding, Severity};

/// Tells the findings. The exit code says whether one of them is more than a note.
pub(super) fn tell(
    invocation: &Invocation,
    output: Output,
    subject: &str,
    findings: &[Finding],
) -> Exit {
    let ui = &invocation.ui;
    let bad = findings
        .iter()
        .filter(|finding| finding.code.severity > Severity::Note)
        .count();
    if output == Output::Json {
        let list: Vec<serde_json::Value> = findings.iter().map(value).collect();
        ui.answer(
            serde_json::json!({ "version": 1, "subject": subject, "findings": list }).to_string(),
        );
    } else {
        findings.iter().for_each(|finding| ui.answer(text(finding)));
        ui.answer(match (bad, findings.len()) {
            (0, 0) => format!("{subject}: as declared"),
            (0, 1) => format!("{subject}: as declared (1 note)"),
            (0, notes) => format!("{subject}: as declared ({notes} notes)"),
            (1, _) => format!("{subject}: 1 finding"),
            (bad, _) => format!("{subject}: {bad} findings"),
        });
    }
    if bad > 0 { Exit::Findings } else { Exit::Done }
}

fn text(finding: &Finding) -> String {
    let code = finding.code;
    format!(
        "{}: {}: {} [{}]\n  because: {}\n  fix: {}",
        code.severity, finding.object, finding.message, code.id, code.consequence, code.fix
    )
}

fn value(finding: &Finding) -> serde_json::Value {
    let code = finding.code;
    serde_json::json!({
        "code": code.id,
        "severity": code.severity,
        "object": finding.object,
        "message": finding.message,
        "consequence": code.consequence,
        "fix": code.fix,
        "statement": finding.step.as_ref().map(|step| &step.sql),
    })
}
