//! `edu db graph`: the graph, made, proved, kept and used.

mod apply;
mod around;
mod isolation;
mod matrix;
mod rows;
mod speed;
mod verify;

use serde_json::Value;

use crate::support::{Database, Run};

/// The graph of this repository's project.
const G: &str = "edusphere_graph";

/// The findings of a run with `--output json`: "code object".
fn findings(run: &Run) -> Vec<String> {
    let answer: Value = serde_json::from_str(&run.stdout)
        .unwrap_or_else(|error| panic!("{error}\n{}\n{}", run.stdout, run.stderr));
    let list = answer["findings"].as_array().expect("a list of findings");
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    list.iter()
        .filter(|finding| !text(finding, "code").starts_with("age-"))
        .map(|finding| format!("{} {}", text(finding, "code"), text(finding, "object")))
        .collect()
}

/// What `edu db graph verify` finds.
fn verify(db: &Database) -> Vec<String> {
    findings(&db.edu(&["db", "graph", "verify", "--output", "json"]))
}
