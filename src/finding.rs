//! One thing that a command found, in the shape that every report has.

use serde::Serialize;

/// How much a finding matters. The order is that of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// It has to be mended; somebody may do or see more than is wanted.
    Critical,
    /// It has to be mended.
    Error,
    /// It should be looked at; it fails nothing.
    Note,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The stable code, kebab-case, that `edu explain` knows.
    pub code: String,
    /// How much it matters.
    pub level: Level,
    /// What it is reported under: the table of a column or policy.
    pub group: String,
    /// The object, in words: "policy own_rows on public.users".
    pub object: String,
    /// What was found, without the object: "forced: expected yes, found no".
    pub message: String,
    /// What follows from it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub consequence: String,
    /// What may explain it, or what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Statements that mend it, where there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repair: Option<String>,
    /// The project file it is about, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The place in that file, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// Everything one command has to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// What the findings are, in the plural: "differences".
    #[serde(skip)]
    pub called: &'static str,
    /// The command: "edu db verify".
    pub command: String,
    /// What was looked at: a database, two folders.
    pub target: String,
    /// The findings, the ones that matter most first.
    pub findings: Vec<Finding>,
    /// What was done and what could not be seen, as sentences.
    pub notes: Vec<String>,
}

impl Default for Findings {
    fn default() -> Self {
        Self {
            called: "differences",
            command: String::new(),
            target: String::new(),
            findings: Vec::new(),
            notes: Vec::new(),
        }
    }
}

impl Findings {
    /// How many findings are not mere notes.
    pub fn failing(&self) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.level != Level::Note)
            .count()
    }
}
