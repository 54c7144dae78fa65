//! GitHub Actions' workflow commands: one annotation per finding.

use crate::finding::{Findings, Level};

pub(super) fn render(findings: &Findings) -> String {
    let mut lines: Vec<String> = findings
        .findings
        .iter()
        .map(|finding| {
            let command = match finding.level {
                Level::Critical | Level::Error => "error",
                Level::Note => "notice",
            };
            let place = finding.place.map_or(String::new(), |place| {
                format!("line={},col={},", place.line, place.column)
            });
            let file = finding.path.as_ref().map_or(String::new(), |path| {
                format!("file={},{place}", escape(path, true))
            });
            format!(
                "::{command} {file}title={}::{}",
                escape(&format!("{}: {}", finding.code, finding.object), true),
                escape(
                    &format!("{}; {}", finding.message, finding.consequence),
                    false
                ),
            )
        })
        .collect();
    if lines.is_empty() {
        lines.push(format!(
            "::notice title={}::no {}",
            escape(&findings.target, true),
            findings.called
        ));
    }
    lines.join("\n")
}

/// Source: the toolkit's `escapeData` and `escapeProperty`.
fn escape(text: &str, property: bool) -> String {
    let text = text
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A");
    if property {
        text.replace(':', "%3A").replace(',', "%2C")
    } else {
        text
    }
}
