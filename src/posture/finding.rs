//! One thing that is wrong with who reaches which row.

use serde::Serialize;

/// Which engine found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// Catalog checks.
    Static,
    /// Policies' trees.
    Proof,
    /// Attempts.
    Probe,
}

/// How bad it is. An error makes the run fail; the others are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Rows are reachable, or not reachable, against the promise.
    Error,
    /// A hole is one step away, or the cost is high.
    Warning,
    /// To know.
    Info,
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The engine.
    pub engine: Engine,
    /// How bad it is.
    pub severity: Severity,
    /// The check's id: kebab-case words that name the defect.
    pub id: &'static str,
    /// The object, as an exception would name it.
    pub object: String,
    /// The command it is about, if one.
    pub command: Option<&'static str>,
    /// What a tenant could see or do, with a concrete witness, in one sentence.
    pub message: String,
    /// SQL that shows it; self-contained and rolled back.
    pub reproduce: Option<String>,
    /// SQL that mends it.
    pub fix: Option<String>,
}

impl Finding {
    /// A finding with the parts that all have.
    pub fn new(
        engine: Engine,
        severity: Severity,
        id: &'static str,
        object: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            engine,
            severity,
            id,
            object: object.into(),
            command: None,
            message: message.into(),
            reproduce: None,
            fix: None,
        }
    }

    /// Names the command.
    #[must_use]
    pub fn command(mut self, command: &'static str) -> Self {
        self.command = Some(command);
        self
    }

    /// Adds the SQL that shows it.
    #[must_use]
    pub fn reproduce(mut self, sql: impl Into<String>) -> Self {
        self.reproduce = Some(sql.into());
        self
    }

    /// Adds the SQL that mends it.
    #[must_use]
    pub fn fix(mut self, sql: impl Into<String>) -> Self {
        self.fix = Some(sql.into());
        self
    }
}
