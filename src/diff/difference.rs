//! One difference, as a value.

use serde::Serialize;

use crate::catalog::{Id, Value};

/// How much a difference matters. The order is that of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Somebody may do or see more than the spec lets them.
    Access,
    /// Something is missing, stopped or other than wanted.
    Error,
    /// Worth knowing; not drift.
    Note,
}

/// What differs about an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The spec has it, the database does not.
    Missing,
    /// The database has it, the spec does not.
    Unexpected,
    /// Both have it, and one facet differs.
    Facet {
        /// The facet: "using", "grants".
        facet: &'static str,
        /// What the spec has; nothing where it has the server's default.
        expected: Option<Value>,
        /// What the database has.
        actual: Option<Value>,
    },
}

/// One difference between the expected and the actual catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The object.
    pub id: Id,
    /// What differs.
    pub change: Change,
    /// How much it matters.
    pub severity: Severity,
    /// What follows from it, as a sentence without its full stop.
    pub consequence: String,
    /// What may explain it; never taken for certain.
    pub hint: Option<String>,
}

impl Difference {
    /// The stable code: "policy-missing", "table-forced", "function-unexpected".
    pub fn code(&self) -> String {
        let kind = self.id.kind.as_str().replace(' ', "-");
        match &self.change {
            Change::Missing => format!("{kind}-missing"),
            Change::Unexpected => format!("{kind}-unexpected"),
            Change::Facet { facet, .. } => format!("{kind}-{}", facet.replace('_', "-")),
        }
    }

    /// The facet, or an empty text for a whole object.
    pub fn facet(&self) -> &'static str {
        match &self.change {
            Change::Facet { facet, .. } => facet,
            Change::Missing | Change::Unexpected => "",
        }
    }

    /// What differs, without the object: "forced: expected yes, found no".
    pub fn words(&self) -> String {
        match &self.change {
            Change::Missing => "missing".to_owned(),
            Change::Unexpected => "not in the spec".to_owned(),
            Change::Facet {
                facet,
                expected: Some(Value::List(expected)),
                actual: Some(Value::List(actual)),
            } => lists(facet, expected, actual),
            Change::Facet {
                facet,
                expected,
                actual,
            } => format!(
                "{}: expected {}, found {}",
                facet.replace('_', " "),
                shown(expected.as_ref()),
                shown(actual.as_ref())
            ),
        }
    }
}

/// Two lists: what one has and the other lacks, or the order where that is all.
fn lists(facet: &str, expected: &[Box<str>], actual: &[Box<str>]) -> String {
    let lacks: Vec<&str> = expected
        .iter()
        .filter(|item| !actual.contains(item))
        .map(|item| &**item)
        .collect();
    let extra: Vec<&str> = actual
        .iter()
        .filter(|item| !expected.contains(item))
        .map(|item| &**item)
        .collect();
    let facet = facet.replace('_', " ");
    match (lacks.as_slice(), extra.as_slice()) {
        ([], []) => format!(
            "{facet}: expected in the order {}, found {}",
            expected.join(", "),
            actual.join(", ")
        ),
        (lacks, []) => format!("{facet}: missing {}", lacks.join(", ")),
        ([], extra) => format!("{facet}: not in the spec {}", extra.join(", ")),
        (lacks, extra) => format!(
            "{facet}: missing {}; not in the spec {}",
            lacks.join(", "),
            extra.join(", ")
        ),
    }
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None => "none".to_owned(),
        Some(Value::Text(text)) if text.contains([' ', '\n']) || text.is_empty() => {
            format!("\"{text}\"")
        }
        Some(value) => value.to_string(),
    }
}
