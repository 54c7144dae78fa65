//! What is not as the ontology says, and the statement that mends it.

use super::code::{self, Code};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing has to be done.
    Note,
    /// Something will bite.
    Warning,
    /// Not as declared, or unsafe.
    Error,
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// When a step runs, and in which transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The graph and its labels; what else is wanted is looked up anew behind them, because newer
    /// AGE makes keys, indexes and triggers with a label.
    Label,
    /// Short catalog changes, in the same transaction.
    Structure,
    /// An index on a table with rows, in a transaction of its own: writers wait until it is built.
    Build,
    /// Proof that existing rows keep a constraint, in a transaction of its own; nobody waits.
    Validate,
    /// What only a superuser may do.
    Superuser,
}

/// One statement that mends one or more findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it makes: "label Concept", "index idx_concept_id on Concept".
    pub what: String,
    /// The statement.
    pub sql: String,
    /// When it runs.
    pub phase: Phase,
    /// The rows that are in the way, by the server's estimate.
    pub rows: u64,
}

/// One thing that is not as declared.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Its code, stable, with its explanation.
    pub code: &'static Code,
    /// What it is about: "label Concept", "policy edu_tenant on Concept".
    pub object: String,
    /// One sentence.
    pub message: String,
    /// What mends it, when edu can.
    pub step: Option<Step>,
}

impl Finding {
    /// A finding of the code named `id`.
    pub fn new(id: &str, object: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code::known(id),
            object: object.into(),
            message: message.into(),
            step: None,
        }
    }

    /// With the statement that mends it.
    #[must_use]
    pub fn mended_by(
        mut self,
        phase: Phase,
        what: impl Into<String>,
        sql: impl Into<String>,
    ) -> Self {
        self.step = Some(Step {
            what: what.into(),
            sql: sql.into(),
            phase,
            rows: 0,
        });
        self
    }

    /// With the number of rows that its step works through.
    #[must_use]
    pub fn over(mut self, rows: u64) -> Self {
        if let Some(step) = &mut self.step {
            step.rows = rows;
        }
        self
    }
}
