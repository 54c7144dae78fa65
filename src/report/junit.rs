//! JUnit XML: one test case per finding, or one that passed where nothing was found.

use crate::finding::{Findings, Level};

pub(super) fn render(findings: &Findings) -> String {
    let count = findings.findings.len().max(1);
    let suite = escape(&findings.command);
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"{count}\" failures=\"{failing}\">\n\
         <testsuite name=\"{suite}\" tests=\"{count}\" failures=\"{failing}\">\n",
        failing = findings.failing(),
    );
    for finding in &findings.findings {
        let name = escape(&format!("{}: {}", finding.object, finding.code));
        let text = escape(&format!("{}; {}", finding.message, finding.consequence));
        let body = match finding.level {
            Level::Note => format!("<system-out>{text}</system-out>"),
            _ => format!(
                "<failure type=\"{}\" message=\"{text}\">{}</failure>",
                escape(&finding.code),
                escape(finding.repair.as_deref().unwrap_or("")),
            ),
        };
        xml.push_str(&format!(
            "<testcase classname=\"{}\" name=\"{name}\">{body}</testcase>\n",
            escape(&finding.group)
        ));
    }
    if findings.findings.is_empty() {
        xml.push_str(&format!(
            "<testcase classname=\"{suite}\" name=\"{}\"/>\n",
            escape(&findings.target)
        ));
    }
    xml.push_str("</testsuite>\n</testsuites>");
    xml
}

/// XML 1.0 has no way to write most control characters: they are left out.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            c if c.is_control() && c != '\t' => {}
            '\u{fffe}' | '\u{ffff}' => {}
            c => out.push(c),
        }
    }
    out
}
