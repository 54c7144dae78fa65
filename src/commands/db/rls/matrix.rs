//! `edu db rls matrix`

use std::fmt::Write as _;

use comfy_table::{Table, presets};

use crate::posture::scene::Scene;
use crate::proof::{Judged, Verdict};
use crate::spec::access::Command;

/// The form of the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Form {
    /// For a terminal.
    Text,
    /// For documents.
    Markdown,
    /// For a page.
    Html,
}

/// One row: role, table, and per command what is declared and what the policies give.
type Row = [String; 6];

fn rows(scene: &Scene<'_>, judged: &[Judged]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut seen: Vec<(&str, u32)> = Vec::new();
    for one in judged {
        if seen.contains(&(one.role.as_str(), one.table)) {
            continue;
        }
        seen.push((&one.role, one.table));
        let Some(table) = scene.relations.get(&one.table) else {
            continue;
        };
        let cell = |command: Command| {
            let cases: Vec<&Judged> = judged
                .iter()
                .filter(|case| {
                    case.table == one.table && case.role == one.role && case.command == command
                })
                .collect();
            let Some(first) = cases.first() else {
                return "-".to_owned();
            };
            let worst = cases
                .iter()
                .map(|case| word(&case.verdict))
                .max_by_key(|(rank, _)| *rank);
            match worst {
                Some((0, _)) | None => first.rule.as_str().to_owned(),
                Some((_, effective)) => format!("{} / {effective}", first.rule.as_str()),
            }
        };
        let [select, insert, update, delete] = Command::ALL.map(cell);
        rows.push([
            one.role.clone(),
            table.full_name(),
            select,
            insert,
            update,
            delete,
        ]);
    }
    rows
}

/// What a verdict says of the effective access, and how much it matters.
fn word(verdict: &Verdict) -> (u8, &'static str) {
    match verdict {
        Verdict::Proved => (0, "same"),
        Verdict::Membership(_) => (1, "by membership"),
        Verdict::Narrower(_) => (2, "LESS"),
        Verdict::NotProvable(_) => (3, "NOT PROVED"),
        Verdict::Wider(_) => (4, "MORE"),
    }
}

const HEAD: [&str; 6] = ["role", "table", "SELECT", "INSERT", "UPDATE", "DELETE"];

/// Role × table × command: the declared word, and after a slash what the policies give where it differs.
pub(super) fn render(scene: &Scene<'_>, judged: &[Judged], form: Form) -> String {
    let rows = rows(scene, judged);
    match form {
        Form::Text => {
            let mut table = Table::new();
            table.load_style(presets::NOTHING).set_header(HEAD);
            for row in rows {
                table.add_row(row);
            }
            table.to_string()
        }
        Form::Markdown => {
            let mut out = format!("| {} |\n|{}", HEAD.join(" | "), "---|".repeat(HEAD.len()));
            for row in rows {
                let _ = write!(
                    out,
                    "\n| {} |",
                    row.map(|cell| cell.replace('|', "\\|")).join(" | ")
                );
            }
            out
        }
        Form::Html => {
            let escape = |text: &str| {
                text.replace('&', "&amp;")
                    .replace('<', "&lt;")
                    .replace('>', "&gt;")
            };
            let line = |tag: &str, cells: &[&str]| {
                let cells: String = cells
                    .iter()
                    .map(|cell| format!("<{tag}>{}</{tag}>", escape(cell)))
                    .collect();
                format!("<tr>{cells}</tr>\n")
            };
            let mut out = format!("<table>\n{}", line("th", &HEAD));
            for row in rows {
                out.push_str(&line("td", &row.each_ref().map(String::as_str)));
            }
            out + "</table>"
        }
    }
}
