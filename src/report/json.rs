//! For machines. The number `schema` changes when a field changes its meaning or goes.

use serde::Serialize;

use crate::failure::{Failure, Result};
use crate::finding::Findings;

#[derive(Serialize)]
struct Report<'a> {
    schema: u32,
    clean: bool,
    #[serde(flatten)]
    findings: &'a Findings,
}

pub(super) fn render(findings: &Findings) -> Result<String> {
    let report = Report {
        schema: 1,
        clean: findings.failing() == 0,
        findings,
    };
    serde_json::to_string_pretty(&report)
        .map_err(|error| Failure::bug(format!("could not write the report: {error}")))
}
