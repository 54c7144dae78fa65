//! The eight table locks of PostgreSQL, and whom each of them keeps waiting.
//!
//! Source: the PostgreSQL manual, "Explicit Locking", table "Conflicting Lock Modes".

use serde::{Deserialize, Serialize};

/// A table lock, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LockLevel {
    /// SELECT.
    AccessShare,
    /// SELECT … FOR UPDATE.
    RowShare,
    /// INSERT, UPDATE, DELETE.
    RowExclusive,
    /// VACUUM, ANALYZE, CREATE INDEX CONCURRENTLY, VALIDATE CONSTRAINT.
    ShareUpdateExclusive,
    /// CREATE INDEX.
    Share,
    /// CREATE TRIGGER, ADD FOREIGN KEY.
    ShareRowExclusive,
    /// REFRESH MATERIALIZED VIEW CONCURRENTLY.
    Exclusive,
    /// DROP TABLE, TRUNCATE, most forms of ALTER TABLE.
    AccessExclusive,
}

/// Whom a lock keeps waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Blocks {
    /// Neither readers nor writers.
    Nobody,
    /// Writers; readers go on.
    Writes,
    /// Readers and writers.
    ReadsAndWrites,
}

impl LockLevel {
    /// The lock's name as `pg_locks.mode` has it, without "Lock".
    pub const fn name(self) -> &'static str {
        match self {
            Self::AccessShare => "AccessShare",
            Self::RowShare => "RowShare",
            Self::RowExclusive => "RowExclusive",
            Self::ShareUpdateExclusive => "ShareUpdateExclusive",
            Self::Share => "Share",
            Self::ShareRowExclusive => "ShareRowExclusive",
            Self::Exclusive => "Exclusive",
            Self::AccessExclusive => "AccessExclusive",
        }
    }

    /// Whom it keeps waiting.
    pub const fn blocks(self) -> Blocks {
        match self {
            Self::AccessShare
            | Self::RowShare
            | Self::RowExclusive
            | Self::ShareUpdateExclusive => Blocks::Nobody,
            Self::Share | Self::ShareRowExclusive | Self::Exclusive => Blocks::Writes,
            Self::AccessExclusive => Blocks::ReadsAndWrites,
        }
    }
}

impl Blocks {
    /// In words, to stand after "blocks": "reads and writes".
    pub const fn words(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Writes => "writes",
            Self::ReadsAndWrites => "reads and writes",
        }
    }
}
