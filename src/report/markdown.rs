//! Markdown: a table, for a comment or a job summary.

use crate::finding::{Findings, Level};

pub(super) fn render(findings: &Findings) -> String {
    let mut text = format!(
        "### {}: {}\n\n",
        escape(&findings.command),
        escape(&findings.target)
    );
    if findings.findings.is_empty() {
        text.push_str("No differences.\n");
    } else {
        text.push_str("| | object | found | what follows | code |\n|---|---|---|---|---|\n");
    }
    for finding in &findings.findings {
        let mark = match finding.level {
            Level::Critical => "**access**",
            Level::Error => "error",
            Level::Note => "note",
        };
        text.push_str(&format!(
            "| {mark} | {} | {} | {} | {} |\n",
            escape(&finding.object),
            escape(&finding.message),
            escape(&finding.consequence),
            finding.code
        ));
    }
    for note in &findings.notes {
        text.push_str(&format!("\n{}\n", escape(note)));
    }
    text
}

/// Names from a database must not become markup, nor break the table.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' => out.push(' '),
            '|' | '\\' | '`' | '*' | '_' | '<' | '>' | '[' | ']' | '#' | '&' | '@' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}
