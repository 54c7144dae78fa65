//! SARIF 2.1.0, as code scanning reads it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::failure::{Failure, Result};
use crate::finding::{Findings, Level};

pub(super) fn render(findings: &Findings) -> Result<String> {
    let rules: BTreeSet<&str> = findings.findings.iter().map(|f| f.code.as_str()).collect();
    let rules: Vec<Value> = rules.iter().map(|code| json!({ "id": code })).collect();
    let results: Vec<Value> = findings
        .findings
        .iter()
        .map(|finding| {
            let level = match finding.level {
                Level::Critical | Level::Error => "error",
                Level::Note => "note",
            };
            let mut physical = json!({ "artifactLocation": {
                "uri": finding.path.as_deref().unwrap_or("edu.toml")
            } });
            if let Some(place) = finding.place {
                physical["region"] =
                    json!({ "startLine": place.line, "startColumn": place.column });
            }
            json!({
                "ruleId": finding.code,
                "level": level,
                "message": { "text": format!(
                    "{}: {}; {}", finding.object, finding.message, finding.consequence
                ) },
                "locations": [{
                    "physicalLocation": physical,
                    "logicalLocations": [{
                        "fullyQualifiedName": finding.object,
                        "name": finding.group
                    }]
                }],
                "partialFingerprints": {
                    "edu/v1": format!("{}:{}", finding.code, finding.object)
                }
            })
        })
        .collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "edu", "version": env!("CARGO_PKG_VERSION"), "rules": rules
            } },
            "results": results
        }]
    });
    serde_json::to_string_pretty(&log)
        .map_err(|error| Failure::bug(format!("could not write the report: {error}")))
}
