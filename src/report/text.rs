//! For people: grouped by object, consequences first, statements to paste.

use crate::finding::{Findings, Level};

pub(super) fn render(findings: &Findings) -> String {
    let mut text = String::new();
    let mut group = None;
    for finding in &findings.findings {
        let key = (finding.level, &finding.group);
        if group != Some(key) {
            if group.is_some() {
                text.push('\n');
            }
            text.push_str(&format!("{}\n", finding.group));
            group = Some(key);
        }
        let mark = match finding.level {
            Level::Critical => "✗ access",
            Level::Error => "✗",
            Level::Note => "·",
        };
        text.push_str(&format!("  {mark} {}: {}", finding.object, finding.message));
        if !finding.consequence.is_empty() {
            text.push_str(&format!("\n      {}", finding.consequence));
        }
        text.push_str(&format!(" [{}]\n", finding.code));
        if let Some(hint) = &finding.hint {
            text.push_str(&format!("      hint: {hint}\n"));
        }
        for line in finding.repair.iter().flat_map(|repair| repair.lines()) {
            text.push_str(&format!("      | {line}\n"));
        }
    }
    if !findings.findings.is_empty() {
        text.push('\n');
    }
    for note in &findings.notes {
        text.push_str(&format!("{note}\n"));
    }
    text.push_str(&summary(findings));
    text
}

/// One line: how many of what.
fn summary(findings: &Findings) -> String {
    let of = |level| {
        findings
            .findings
            .iter()
            .filter(|f| f.level == level)
            .count()
    };
    let (access, errors, notes) = (of(Level::Critical), of(Level::Error), of(Level::Note));
    let mut parts = Vec::new();
    if access > 0 {
        parts.push(format!("{access} that widen access"));
    }
    if errors > 0 {
        parts.push(format!("{errors} other"));
    }
    let found = match parts.as_slice() {
        [] => format!("{}: no {}", findings.target, findings.called),
        [other] if access == 0 && findings.called != "differences" => {
            format!(
                "{}: {} {}",
                findings.target,
                other.trim_end_matches(" other"),
                findings.called
            )
        }
        parts => format!(
            "{}: {}: {}",
            findings.target,
            findings.called,
            parts.join(", ")
        ),
    };
    match notes {
        0 => found,
        1 => format!("{found}; 1 note"),
        notes => format!("{found}; {notes} notes"),
    }
}
