//! The answer of `edu image check`: a line per proof, or JSON.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::{Invocation, Output};
use crate::failure::{Exit, Failure, Result};
use crate::pg::Server;
use crate::progress::human_time;

/// The answer for machines.
#[derive(Debug, Serialize)]
struct Answer {
    schema: u32,
    server: String,
    ok: bool,
    checks: Vec<Line>,
}

/// One proof.
#[derive(Debug, Serialize)]
struct Line {
    check: &'static str,
    /// "proved", "failed" or "skipped".
    state: &'static str,
    result: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    detail: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    took_ms: u64,
}

/// What was proved so far. In text form every line is told at once.
pub(super) struct Told<'a> {
    invocation: &'a Invocation,
    output: Output,
    lines: Vec<Line>,
}

impl<'a> Told<'a> {
    /// Nothing yet.
    pub(super) fn new(invocation: &'a Invocation, output: Output) -> Self {
        Self {
            invocation,
            output,
            lines: Vec::new(),
        }
    }

    /// Tells one proof. Shape: whether it holds.
    pub(super) fn hear(
        &mut self,
        check: &'static str,
        begun: Instant,
        outcome: Result<String>,
    ) -> bool {
        let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let line = match outcome {
            Ok(result) => Line {
                check,
                state: "proved",
                result,
                detail: vec![],
                hint: None,
                took_ms,
            },
            Err(failure) => Line {
                check,
                state: "failed",
                result: failure.error,
                detail: failure.detail,
                hint: failure.hint,
                took_ms,
            },
        };
        let proved = line.state == "proved";
        self.tell(line);
        proved
    }

    /// Tells a proof that was not tried.
    pub(super) fn skip(&mut self, check: &'static str, because: &str) {
        let result = because.to_owned();
        self.tell(Line {
            check,
            state: "skipped",
            result,
            detail: vec![],
            hint: None,
            took_ms: 0,
        });
    }

    fn tell(&mut self, line: Line) {
        if self.output == Output::Text {
            let mark = match line.state {
                "proved" => "✓",
                "failed" => "✗",
                _ => "-",
            };
            let took = human_time(Duration::from_millis(line.took_ms));
            let mut text = format!("{mark} {:<11} {}  {took}", line.check, line.result);
            for fact in &line.detail {
                text.push_str(&format!("\n  detail: {fact}"));
            }
            if let Some(hint) = &line.hint {
                text.push_str(&format!("\n  hint: {hint}"));
            }
            self.invocation.ui.answer(crate::ui::clean(&text));
        }
        self.lines.push(line);
    }

    /// Ends the answer. Shape: exit 0 when all was proved, else 1.
    pub(super) fn end(self, server: &Server) -> Result<Exit> {
        let ok = self.lines.iter().all(|line| line.state == "proved");
        if self.output == Output::Json {
            let answer = Answer {
                schema: 1,
                server: server.place(),
                ok,
                checks: self.lines,
            };
            let text = serde_json::to_string_pretty(&answer)
                .map_err(|e| Failure::bug(format!("could not write JSON: {e}")))?;
            self.invocation.ui.answer(text);
        }
        Ok(if ok { Exit::Done } else { Exit::Findings })
    }
}
