//! What edu writes on a test database, as its comment: what it is, whose, and until when.
//!
//! Times are the server's, so that machines whose clocks differ agree. Units: seconds since 1970.

use serde::{Deserialize, Serialize};

/// What the comment starts with.
const LEAD: &str = "edu testdb ";

/// The version of the form. A mark of a newer form is not read, and its database not touched.
const VERSION: u32 = 1;

/// The comment of a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    version: u32,
    /// The project's name.
    pub project: String,
    /// What the database is.
    #[serde(flatten)]
    pub kind: Kind,
}

/// What a marked database is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// A template that is complete.
    Template(Made),
    /// A clone.
    Clone(Lease),
}

/// How a template was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// The strategy that copied it fastest.
    pub strategy: Strategy,
    /// What was measured, in words.
    pub measured: String,
    /// When it was last asked for, to some minutes.
    pub used: i64,
}

/// Who uses a clone, and how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The template it was copied from.
    pub template: String,
    /// Who made it.
    pub owner: Owner,
    /// Since when.
    pub since: i64,
    /// Until when; nothing: as long as the session that made it lives.
    pub expires: Option<i64>,
}

/// The process that asked for a clone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The user of the operating system.
    pub user: String,
    /// The machine.
    pub host: String,
    /// The process.
    pub pid: u32,
    /// Where this number means this process: the boot and the PID namespace.
    pub place: String,
    /// When the process started, in the kernel's ticks: numbers are used again.
    pub started: u64,
    /// What it runs, in a few words.
    pub command: String,
}

/// How a database is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Block by block through the write-ahead log.
    WalLog,
    /// File by file between two checkpoints.
    FileCopy,
    /// The same by reflink or in-kernel copy, from PostgreSQL 18.
    FileCopyClone,
}

impl Strategy {
    /// What CREATE DATABASE calls it.
    pub fn keyword(self) -> &'static str {
        match self {
            Self::WalLog => "wal_log",
            Self::FileCopy | Self::FileCopyClone => "file_copy",
        }
    }
}

impl std::fmt::Display for Strategy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::WalLog => "WAL_LOG",
            Self::FileCopy => "FILE_COPY",
            Self::FileCopyClone => "FILE_COPY, file_copy_method = clone",
        })
    }
}

impl Mark {
    /// A mark of this form.
    pub fn new(project: &str, kind: Kind) -> Self {
        Self {
            version: VERSION,
            project: project.to_owned(),
            kind,
        }
    }

    /// The comment's text.
    pub fn text(&self) -> String {
        // Numbers, texts and options: it cannot fail.
        let json = serde_json::to_string(self).unwrap_or_default();
        format!("{LEAD}{json}")
    }

    /// Reads a comment. Nothing for one that is not edu's.
    pub fn read(comment: &str) -> Option<Self> {
        let mark: Self = serde_json::from_str(comment.strip_prefix(LEAD)?).ok()?;
        (mark.version == VERSION).then_some(mark)
    }

    /// The lease, if this is a clone.
    pub fn lease(&self) -> Option<&Lease> {
        match &self.kind {
            Kind::Clone(lease) => Some(lease),
            Kind::Template(_) => None,
        }
    }

    /// How it was made, if this is a template.
    pub fn made(&self) -> Option<&Made> {
        match &self.kind {
            Kind::Template(made) => Some(made),
            Kind::Clone(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_back_and_a_strangers_comment_is_none() {
        let made = Made {
            strategy: Strategy::FileCopyClone,
            measured: "quickly".to_owned(),
            used: 7,
        };
        let mark = Mark::new("shop", Kind::Template(made));
        assert_eq!(Mark::read(&mark.text()), Some(mark.clone()));
        assert!(
            mark.text()
                .starts_with("edu testdb {\"version\":1,\"project\":\"shop\",")
        );
        assert_eq!(Mark::read("the shop's customers"), None);
        assert_eq!(
            Mark::read(&mark.text().replace("version\":1", "version\":2")),
            None
        );
    }
}
