//! What went wrong, in PostgreSQL's own shape: error, detail, hint, and the exit code.
//!
//! Every layer returns a [`Failure`]; only `ui` prints one. A failure says in what state it left
//! things. It never holds a password: URLs are redacted before they come here.

use std::fmt;
use std::ops::Range;

/// The documented, stable exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// The command worked and found something.
    Findings = 1,
    /// Wrong usage, configuration or project files.
    Usage = 2,
    /// Drift from the spec, or migrations pending.
    Drift = 3,
    /// The schema history and the files contradict each other.
    History = 4,
    /// A statement failed; what it did was rolled back.
    Sql = 5,
    /// A lock was not obtained in time.
    Lock = 6,
    /// The server is unreachable, or refused the connection.
    Unreachable = 7,
    /// edu refuses: pooler, standby, protected database, missing `--yes`, missing privilege.
    Refused = 8,
    /// A non-transactional step stopped half-way.
    Partial = 9,
    /// A defect in edu.
    Bug = 70,
    /// Cancelled by Ctrl-C, cleanly.
    Cancelled = 130,
    /// Ended by SIGTERM, cleanly.
    Terminated = 143,
}

/// A place in a text that a failure points at.
#[derive(Debug, Clone)]
pub struct Excerpt {
    /// The file's path as the user knows it, relative to the project where possible.
    pub path: String,
    /// The whole text of the file.
    pub text: String,
    /// The offending part. Units: bytes of `text`.
    pub span: Range<usize>,
    /// What is said under the caret.
    pub label: String,
}

impl Excerpt {
    /// The line and column of the span's start. Units: both count from 1, the column in characters.
    pub fn position(&self) -> (usize, usize) {
        let start = self.span.start.min(self.text.len());
        let start = (0..=start)
            .rev()
            .find(|&i| self.text.is_char_boundary(i))
            .unwrap_or(0);
        let before = &self.text[..start];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        (line, column)
    }
}

/// One failure, ready to be told.
#[derive(Debug)]
pub struct Failure {
    /// The exit code it leads to.
    pub exit: Exit,
    /// One line, lower case, names quoted, past fact.
    pub error: String,
    /// Facts, in the order they are to be read. May be empty.
    pub detail: Vec<String>,
    /// Facts that hold values from rows. Shown where logs are private only.
    pub row_detail: Vec<String>,
    /// One action to take.
    pub hint: Option<String>,
    /// The place in a file, if the failure lies in one.
    pub excerpt: Option<Box<Excerpt>>,
}

/// The result of anything that can fail in a way a user has to hear of.
pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// A failure with exit code `exit` and the headline `error`.
    pub fn new(exit: Exit, error: impl Into<String>) -> Self {
        Self {
            exit,
            error: error.into(),
            detail: Vec::new(),
            row_detail: Vec::new(),
            hint: None,
            excerpt: None,
        }
    }

    /// Wrong usage, configuration or project files: exit 2.
    pub fn usage(error: impl Into<String>) -> Self {
        Self::new(Exit::Usage, error)
    }

    /// edu refuses to go on: exit 8.
    pub fn refused(error: impl Into<String>) -> Self {
        Self::new(Exit::Refused, error)
    }

    /// A defect in edu: exit 70.
    pub fn bug(error: impl Into<String>) -> Self {
        Self::new(Exit::Bug, error)
            .hint("This is a defect in edu, not in your project. Please report it with this text.")
    }

    /// An effect on the machine (file, process) that failed: exit 2 unless changed.
    pub fn io(what: impl fmt::Display, source: &std::io::Error) -> Self {
        Self::new(Exit::Usage, format!("could not {what}")).detail(io_reason(source))
    }

    /// Adds a fact.
    #[must_use]
    pub fn detail(mut self, fact: impl Into<String>) -> Self {
        self.detail.push(fact.into());
        self
    }

    /// Adds a fact that holds values from rows.
    #[must_use]
    pub fn row_detail(mut self, fact: impl Into<String>) -> Self {
        self.row_detail.push(fact.into());
        self
    }

    /// Sets what to do next.
    #[must_use]
    pub fn hint(mut self, action: impl Into<String>) -> Self {
        self.hint = Some(action.into());
        self
    }

    /// Points at a place in a file.
    #[must_use]
    pub fn at(mut self, excerpt: Excerpt) -> Self {
        self.excerpt = Some(Box::new(excerpt));
        self
    }

    /// Changes the exit code.
    #[must_use]
    pub fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }
}

/// The first `max` characters of a text, with a mark where more was.
pub fn cut(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text.to_owned(),
    }
}

/// Words an operating system error without "os error N".
pub fn io_reason(source: &std::io::Error) -> String {
    let text = source.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text).to_owned();
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), chars.as_str()),
        None => text,
    }
}

/// Words an error of a library and what caused it, each cause once: libraries often repeat the
/// inner message in the outer one.
pub fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = String::new();
    for cause in anyhow::Chain::new(error).map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    format!("{}.", text.trim_end_matches('.'))
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.error)?;
        for fact in &self.detail {
            write!(f, "; {fact}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_counts_characters_and_survives_multibyte_text() {
        let text = "one\n  שלום = 1\n".to_owned();
        let at = text.find('=').unwrap();
        let excerpt = Excerpt {
            path: "x".into(),
            text,
            span: at..at + 1,
            label: String::new(),
        };
        assert_eq!(excerpt.position(), (2, 8));
    }

    #[test]
    fn a_cause_that_the_outer_message_repeats_is_told_once() {
        let inner = anyhow::anyhow!("certificate expired");
        let same = inner.context("could not connect: certificate expired");
        assert_eq!(
            causes(same.as_ref()),
            "could not connect: certificate expired."
        );
        let other = anyhow::anyhow!("expired").context("no TLS");
        assert_eq!(causes(other.as_ref()), "no TLS: expired.");
    }

    #[test]
    fn an_operating_system_error_is_worded_without_its_number() {
        let reason = io_reason(&std::io::Error::from_raw_os_error(2));
        assert_eq!(reason, "No such file or directory.");
    }
}
